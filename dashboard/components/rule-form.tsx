import { useState } from 'preact/hooks'
import type { FieldProblem, Page, Profile, Severity } from '../api/types.ts'
import { type RuleForm as Form, ruleFields, ruleText, ruleValue, withKind } from '../rule-form.ts'
import { ruleKinds } from '../rule-kinds.ts'
import { useConsole } from '../state/console.ts'
import { useLoaded } from '../state/use-loaded.ts'
import { errorAt, Field } from './field.tsx'

const severities: readonly Severity[] = ['critical', 'major', 'minor', 'warning', 'info']
const limitHint = 'A number, or as in “max_c or 8”: the device’s label, else 8'

interface Asked {
  readonly label: string
  readonly hint?: string | undefined
  /** Pointer into the rule. */
  readonly pointer: string
  readonly list?: string
  readonly isDisabled?: boolean
}

type Option = string | readonly [value: string, text: string]

/** A rule by its fields: those of the rule, and those that the table has for the kind of its condition. */
export function RuleForm({
  form,
  errors,
  isNew,
  onChange,
}: {
  form: Form
  errors: readonly FieldProblem[]
  isNew: boolean
  onChange: (form: Form) => void
}) {
  const { api } = useConsole()
  const profiles = useLoaded((signal) => api.get<Page<Profile>>('profiles', { limit: 1_000 }, signal), [])
  const all = profiles.value?.items ?? []
  const metrics = Object.keys(all.find(({ type }) => type === form.type)?.metrics ?? {})
  // As typed: the rule has `9` of both `9` and `9.`.
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({})
  const { comparisons, fields } = ruleKinds[form.kind]!

  const text = (
    { label, hint, pointer, list, isDisabled = false }: Asked,
    value: string,
    set: (text: string) => Form,
  ) => {
    const own = typed[pointer]
    return (
      <Field key={pointer} label={label} hint={hint} error={errorAt(errors, pointer)}>
        {(attributes) => (
          <input
            {...attributes}
            autocomplete="off"
            spellcheck={false}
            list={list}
            disabled={isDisabled}
            value={own !== undefined && ruleText(ruleValue(own)) === ruleText(ruleValue(value)) ? own : value}
            onInput={(event) => {
              setTyped({ ...typed, [pointer]: event.currentTarget.value })
              onChange(set(event.currentTarget.value))
            }}
          />
        )}
      </Field>
    )
  }
  const choice = (
    { label, hint, pointer }: Asked,
    value: string,
    options: readonly Option[],
    set: (value: string) => Form,
    error = errorAt(errors, pointer),
  ) => (
    <Field key={pointer} label={label} hint={hint} error={error}>
      {(attributes) => (
        <select {...attributes} value={value} onChange={(event) => onChange(set(event.currentTarget.value))}>
          {withOption(options, value).map((option) => {
            const [one, shown] = typeof option === 'string' ? [option, option] : option
            return (
              <option key={one} value={one}>
                {shown}
              </option>
            )
          })}
        </select>
      )}
    </Field>
  )
  const own = (name: (typeof ruleFields)[number], label: string, more: Partial<Asked> = {}) =>
    text({ label, pointer: `/${name}`, ...more }, form.rule[name], (value) => ({
      ...form,
      rule: { ...form.rule, [name]: value },
    }))
  const ownChoice = (name: 'class' | 'severity', label: string, options: readonly Option[]) =>
    choice({ label, pointer: `/${name}` }, form.rule[name], options, (value) => ({
      ...form,
      rule: { ...form.rule, [name]: value },
    }))
  const ofWhen = errors.find(({ pointer }) => pointer === '/when' || pointer === '/when/kind')?.detail

  return (
    <div class="form-grid">
      {own('id', 'Id', { hint: isNew ? 'As in fridge-too-warm' : 'Does not change', isDisabled: !isNew })}
      {own('name', 'Name')}
      {ownChoice('class', 'Class', ['maintenance', 'health'])}
      {ownChoice('severity', 'Severity', severities)}
      {choice(
        { label: 'Device type', pointer: '/select' },
        form.type,
        [['', 'all types'], ...all.map(({ type }) => type)],
        (type) => ({ ...form, type }),
      )}
      {choice(
        { label: 'Condition', pointer: '/when/kind' },
        form.kind,
        Object.entries(ruleKinds).map(([kind, { label }]) => [kind, `${kind}: ${label}`] as const),
        (kind) => withKind(form, kind),
        ofWhen,
      )}
      {fields.map(({ name, label, hint, options }) => {
        const asked = { label, hint, pointer: `/when/${name}` }
        const set = (value: string) => ({ ...form, fields: { ...form.fields, [name]: value } })
        const value = form.fields[name] ?? ''
        if (options !== undefined) return choice(asked, value, options, set)
        return text(name === 'metric' ? { ...asked, list: 'metrics-of-type' } : asked, value, set)
      })}
      <datalist id="metrics-of-type">
        {metrics.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {comparisons.length > 0 && (
        <>
          {choice(
            { label: 'Is', pointer: '/when' },
            form.comparison,
            comparisons,
            (comparison) => ({ ...form, comparison }),
            undefined,
          )}
          {text(
            {
              label: 'Limit',
              hint: ['outside', 'inside'].includes(form.comparison) ? 'Two numbers, as in 2, 8' : limitHint,
              pointer: `/when/${form.comparison}`,
            },
            form.limit,
            (limit) => ({ ...form, limit }),
          )}
        </>
      )}
      {own('for', 'For', { hint: 'As in 30s, 15m, 2h; empty: at once' })}
      {own('keepFor', 'Cleared after', { hint: 'It must be over for so long; empty: at once' })}
      {own('message', 'Message', { hint: '{device}, {value} and {threshold} are filled in' })}
    </div>
  )
}

/** What is not among the options is shown all the same: the rule has it. */
function withOption(options: readonly Option[], value: string): readonly Option[] {
  const isThere = options.some((option) => (typeof option === 'string' ? option : option[0]) === value)
  return isThere ? options : [...options, value]
}

/** Problems that no field of the form shows. */
export function unshownProblems(form: Form, errors: readonly FieldProblem[]): readonly FieldProblem[] {
  const { fields } = ruleKinds[form.kind]!
  const shown = [
    ...ruleFields.map((name) => `/${name}`),
    ...fields.map(({ name }) => `/when/${name}`),
    ...['/select', '/when/kind', `/when/${form.comparison}`],
  ]
  return errors.filter(
    ({ pointer }) =>
      pointer !== '/when' && !shown.some((one) => pointer === one || pointer.startsWith(`${one}/`)),
  )
}
