import { useState } from 'preact/hooks'
import { ApiProblem } from '../api/api-client.ts'
import type { Device, DeviceWithSecret, FieldProblem } from '../api/types.ts'
import { ConnectLines } from '../components/connect-lines.tsx'
import { Dialog } from '../components/dialog.tsx'
import { errorAt, Field } from '../components/field.tsx'
import { hrefOf } from '../route.ts'
import { useConsole } from '../state/console.ts'

/** A form for a new device, and then its secret, which is shown this once. */
export function AddDevice({
  types,
  onClose,
  onAdded,
}: {
  types: readonly string[]
  onClose: () => void
  onAdded: (device: Device) => void
}) {
  const [added, setAdded] = useState<DeviceWithSecret | undefined>(undefined)
  return (
    <Dialog title={added === undefined ? 'Add a device' : `${added.device.id} is added`} onClose={onClose}>
      {added === undefined ? (
        <Form
          types={types}
          onAdded={(one) => {
            setAdded(one)
            onAdded(one.device)
          }}
        />
      ) : (
        <>
          <p class="note">
            The secret is shown this once: the platform keeps only its hash. Another can be made.
          </p>
          <ConnectLines device={added.device.id} secret={added.credentials.password} />
          <p class="form-end">
            <a class="button primary" href={hrefOf('devices', added.device.id)}>
              Open {added.device.id}
            </a>
          </p>
        </>
      )}
    </Dialog>
  )
}

function Form({ types, onAdded }: { types: readonly string[]; onAdded: (device: DeviceWithSecret) => void }) {
  const { api } = useConsole()
  const [id, setId] = useState('')
  const [type, setType] = useState('generic')
  const [labels, setLabels] = useState('')
  const [errors, setErrors] = useState<readonly FieldProblem[]>([])
  const submit = async (event: Event) => {
    event.preventDefault()
    const parsed = parseLabels(labels)
    if (typeof parsed === 'string') return setErrors([{ pointer: '/labels', detail: parsed }])
    try {
      onAdded(await api.post<DeviceWithSecret>('devices', { id: id.trim(), type, labels: parsed }))
    } catch (error) {
      const known = error instanceof ApiProblem ? error.errors : []
      setErrors(known.length > 0 ? known : [{ pointer: '/id', detail: (error as Error).message }])
    }
  }
  return (
    <form onSubmit={submit} noValidate>
      <Field label="Id" hint="Its MQTT client id and username" error={errorAt(errors, '/id')}>
        {(attributes) => (
          <input
            {...attributes}
            name="id"
            autocomplete="off"
            spellcheck={false}
            value={id}
            onInput={(event) => setId(event.currentTarget.value)}
          />
        )}
      </Field>
      <Field
        label="Type"
        hint="Which metrics it has, with their units and limits"
        error={errorAt(errors, '/type')}
      >
        {(attributes) => (
          <select
            {...attributes}
            name="type"
            value={type}
            onChange={(event) => setType(event.currentTarget.value)}
          >
            {(types.length === 0 ? ['generic'] : types).map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="Labels" hint="As in site=berlin, floor=2" error={errorAt(errors, '/labels')}>
        {(attributes) => (
          <input
            {...attributes}
            name="labels"
            autocomplete="off"
            value={labels}
            onInput={(event) => setLabels(event.currentTarget.value)}
          />
        )}
      </Field>
      <p class="form-end">
        <button type="submit" class="primary">
          Add
        </button>
      </p>
    </form>
  )
}

/** `a=1, b=2` as labels, or what is wrong with it. */
function parseLabels(text: string): Record<string, string> | string {
  const pairs = text
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')
  const wrong = pairs.find((pair) => !/^[^=]+=/.test(pair))
  if (wrong !== undefined) return `expected name=value in place of ${wrong}`
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
    }),
  )
}
