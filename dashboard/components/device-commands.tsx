import { useState } from 'preact/hooks'
import { ApiProblem } from '../api/api-client.ts'
import type { Command, FieldProblem, Page } from '../api/types.ts'
import { time } from '../format.ts'
import { useConsole } from '../state/console.ts'
import { useLoaded } from '../state/use-loaded.ts'
import { errorAt, Field } from './field.tsx'
import { Status } from './icons.tsx'
import { Empty, ErrorNote, Shown } from './notes.tsx'
import { Permitted } from './permitted.tsx'

const everyMs = 2_000
const shownMax = 10
const ended = new Set(['succeeded', 'failed', 'expired', 'cancelled'])
const badEnds = new Set(['failed', 'expired'])

/** The newest commands to a device with what came of them, and a form that sends another. */
export function DeviceCommands({ device }: { device: string }) {
  const { api, announce } = useConsole()
  const path = `devices/${encodeURIComponent(device)}/commands`
  const commands = useLoaded(
    (signal) => api.get<Page<Command>>(path, { limit: shownMax }, signal),
    [device],
    everyMs,
  )
  const [error, setError] = useState<Error | undefined>(undefined)
  const act = async (work: () => Promise<unknown>, said: string) => {
    try {
      await work()
      setError(undefined)
      announce(said)
    } catch (failure) {
      setError(failure as Error)
    }
    commands.reload()
  }
  const cancel = ({ id }: Command) =>
    act(() => api.request('DELETE', `${path}/${id}`), 'The command is cancelled')
  return (
    <>
      <Permitted needs="operate" action="Sending commands">
        <SendForm
          problems={error instanceof ApiProblem ? error.errors : []}
          onSend={(body) => act(() => api.post(path, body), 'The command is queued')}
        />
      </Permitted>
      {error !== undefined && <ErrorNote error={error} />}
      <Shown of={commands}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No command so far" />
          ) : (
            <CommandTable commands={items} onCancel={cancel} />
          )
        }
      </Shown>
    </>
  )
}

function SendForm({
  problems,
  onSend,
}: {
  problems: readonly FieldProblem[]
  onSend: (body: { name: string; payload: unknown }) => Promise<void>
}) {
  const [name, setName] = useState('')
  const [text, setText] = useState('{}')
  const [noJson, setNoJson] = useState<string | undefined>(undefined)
  const submit = async (event: Event) => {
    event.preventDefault()
    let payload: unknown
    try {
      payload = JSON.parse(text)
    } catch (failure) {
      return setNoJson((failure as Error).message)
    }
    setNoJson(undefined)
    await onSend({ name, payload })
  }
  return (
    <form onSubmit={submit}>
      <Field label="Command" error={errorAt(problems, '/name')}>
        {(attributes) => (
          <input
            {...attributes}
            required
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        )}
      </Field>
      <Field label="Payload, as JSON" error={noJson ?? errorAt(problems, '/payload')}>
        {(attributes) => (
          <textarea
            {...attributes}
            rows={2}
            spellcheck={false}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        )}
      </Field>
      <p class="form-end">
        <button type="submit">Send</button>
      </p>
    </form>
  )
}

function CommandTable({
  commands,
  onCancel,
}: {
  commands: readonly Command[]
  onCancel: (command: Command) => void
}) {
  const now = Date.now()
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Command</th>
          <th scope="col">Status</th>
          <th scope="col">Since</th>
          <th scope="col">Answer</th>
        </tr>
      </thead>
      <tbody>
        {commands.map((command) => (
          <tr key={command.id}>
            <th scope="row">{command.name}</th>
            <td>
              <Status tone={toneOf(command.status)}>{command.status}</Status>
            </td>
            <td>{time(command.history.at(-1)?.at ?? command.createdAt, now)}</td>
            <td class="message">
              {command.response !== null && JSON.stringify(command.response)}
              {!ended.has(command.status) && (
                <Permitted needs="operate">
                  <button type="button" onClick={() => onCancel(command)}>
                    Cancel
                  </button>
                </Permitted>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function toneOf(status: string): 'ok' | 'bad' | 'off' {
  if (badEnds.has(status)) return 'bad'
  return status === 'succeeded' ? 'ok' : 'off'
}
