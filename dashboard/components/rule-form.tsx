import type { FieldProblem, Page, Profile, Severity } from '../api/types.ts'
import { type Comparison, comparisons, type ThresholdForm } from '../rule-draft.ts'
import { useConsole } from '../state/console.ts'
import { useLoaded } from '../state/use-loaded.ts'
import { errorAt, Field } from './field.tsx'

const severities: readonly Severity[] = ['critical', 'major', 'minor', 'warning', 'info']

/** A threshold rule by its fields. */
export function RuleForm({
  form,
  errors,
  isNew,
  onChange,
}: {
  form: ThresholdForm
  errors: readonly FieldProblem[]
  isNew: boolean
  onChange: (form: ThresholdForm) => void
}) {
  const { api } = useConsole()
  const profiles = useLoaded((signal) => api.get<Page<Profile>>('profiles', { limit: 1_000 }, signal), [])
  const all = profiles.value?.items ?? []
  const metrics = Object.keys(all.find(({ type }) => type === form.type)?.metrics ?? {})
  const text = (
    name: 'id' | 'name' | 'metric' | 'limit' | 'clear' | 'for' | 'message',
    label: string,
    pointer: string,
    more: { hint?: string; list?: string; disabled?: boolean } = {},
  ) => (
    <Field label={label} hint={more.hint} error={errorAt(errors, pointer)}>
      {(attributes) => (
        <input
          {...attributes}
          name={name}
          autocomplete="off"
          spellcheck={false}
          list={more.list}
          disabled={more.disabled}
          value={form[name]}
          onInput={(event) => onChange({ ...form, [name]: event.currentTarget.value })}
        />
      )}
    </Field>
  )
  const choice = (
    name: 'class' | 'severity' | 'type' | 'comparison',
    label: string,
    pointer: string,
    options: readonly (string | readonly [value: string, text: string])[],
  ) => (
    <Field label={label} error={errorAt(errors, pointer)}>
      {(attributes) => (
        <select
          {...attributes}
          name={name}
          value={form[name]}
          onChange={(event) =>
            onChange({ ...form, [name]: event.currentTarget.value as Comparison & Severity })
          }
        >
          {options.map((option) => {
            const [value, shown] = typeof option === 'string' ? [option, option] : option
            return (
              <option key={value} value={value}>
                {shown}
              </option>
            )
          })}
        </select>
      )}
    </Field>
  )
  return (
    <div class="form-grid">
      {text('id', 'Id', '/id', {
        hint: isNew ? 'As in fridge-too-warm' : 'Does not change',
        disabled: !isNew,
      })}
      {text('name', 'Name', '/name')}
      {choice('class', 'Class', '/class', ['maintenance', 'health'])}
      {choice('severity', 'Severity', '/severity', severities)}
      {choice('type', 'Device type', '/select', [['', 'all types'], ...all.map(({ type }) => type)])}
      {text('metric', 'Metric', '/when/metric', { list: 'metrics-of-type' })}
      <datalist id="metrics-of-type">
        {metrics.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {choice('comparison', 'Is', '/when', comparisons)}
      {text('limit', 'Limit', `/when/${form.comparison}`)}
      {text('clear', 'Cleared at', '/when/clear', { hint: 'Empty: at the limit itself' })}
      {text('for', 'For', '/for', { hint: 'As in 30s, 15m, 2h; empty: at once' })}
      {text('message', 'Message', '/message', { hint: '{device}, {value} and {threshold} are filled in' })}
    </div>
  )
}
