import { z } from 'zod'
import { durationMs } from '../domain/duration.ts'
import { isDeviceId, isDeviceType, isLabelName, isRuleId, labelValueBytesMax } from '../domain/names.ts'
import type { Profile } from '../domain/profile.ts'
import { conditionSchema } from './condition-kinds.ts'
import { duration, positiveDuration } from './conditions/fields.ts'
import type { Duration, Rule } from './rule.ts'
import { type ActionContext, actionsSchema, completeActions } from './rule-actions.ts'
import { metricsOf, ruleProblems } from './rule-checks.ts'
import { atMost, ruleLimits } from './rule-limits.ts'
import { type RuleProblem, toPointer } from './rule-problem.ts'
import type { RuleLookup } from './rule-relations.ts'
import { shapeProblems } from './rule-shape.ts'
import { scheduleSchema } from './schedule.ts'

export { toPointer } from './rule-problem.ts'

export type RuleCheck =
  | { readonly ok: true; readonly rule: Rule; readonly metrics: readonly string[] }
  | { readonly ok: false; readonly errors: readonly RuleProblem[] }

export interface RuleContext {
  /** Which metrics a device type has. */
  readonly profiles: ReadonlyMap<string, Profile>
  /** The other rules. Without them, what the rule says of others is not held against those. */
  readonly rules?: RuleLookup
  /** Without it the rule has no webhooks. */
  readonly actions?: ActionContext
}

/**
 * Not in a text: control characters, halves of surrogate pairs (they do not survive UTF-8), line separators, and marks that
 * turn the direction of what follows, so that a name reads as it is written.
 */
const unprintable = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u
const isPrintable = (text: string) => !unprintable.test(text)
const notPrintable = 'control characters, lone surrogates and marks of direction are not allowed'

type LengthBound = Extract<keyof typeof ruleLimits, `${string}LengthMax`>

/** One line of text. */
const line = (bound: LengthBound) =>
  z.string().max(ruleLimits[bound], atMost(bound, 'characters')).refine(isPrintable, notPrintable)

const list = <T extends z.ZodType>(item: T, bound: keyof typeof ruleLimits, what: string) =>
  z.array(item).max(ruleLimits[bound], atMost(bound, what)).default([])

const labels = (name: z.ZodString, value: z.ZodString) =>
  z
    .record(name, value)
    .refine((given) => Object.keys(given).length <= ruleLimits.labelsMax, atMost('labelsMax', 'labels'))
    .default({})

const selectedLabelValue = z
  .string()
  .refine(
    (text) => Buffer.byteLength(text) <= labelValueBytesMax,
    `at most ${labelValueBytesMax} bytes, as the label of a device`,
  )
  .refine(isPrintable, notPrintable)

const select = z.strictObject({
  types: list(z.string().refine(isDeviceType, 'not a device type'), 'selectTypesMax', 'types'),
  labels: labels(z.string().refine(isLabelName, 'not a label name'), selectedLabelValue),
  devices: list(z.string().refine(isDeviceId, 'not a device id'), 'selectDevicesMax', 'devices'),
})

const severity = z.enum(['critical', 'major', 'minor', 'warning', 'info'])
const ruleId = z.string().refine(isRuleId, 'expected ^[a-z0-9][a-z0-9-]{0,63}$')

const wait = z
  .string('expected a duration such as 10m; a wait is not from a label')
  .refine((text) => durationMs(text) !== undefined, 'expected a duration such as 30s, 15m, 2h')
  .refine((text) => (durationMs(text) ?? 0) <= ruleLimits.waitMsMax, 'at most 1d (waitMsMax)')

const ruleSchema = z
  .strictObject({
    id: ruleId.optional(),
    name: line('nameLengthMax').refine((text) => text.trim() !== '', 'must not be blank'),
    description: z
      .string()
      .max(ruleLimits.descriptionLengthMax, atMost('descriptionLengthMax', 'characters'))
      .refine((text) => isPrintable(text.replace(/[\n\t]/g, '')), notPrintable)
      .optional(),
    enabled: z.boolean().default(true),
    class: z.enum(['maintenance', 'health']),
    severity,
    select: select.default({ types: [], labels: {}, devices: [] }),
    when: conditionSchema,
    for: duration.default('0s'),
    keepFor: duration.default('0s'),
    escalate: list(z.strictObject({ after: positiveDuration, severity }), 'escalateStepsMax', 'steps'),
    schedule: scheduleSchema.optional(),
    wait: wait.default('0s'),
    gaps: z.enum(['hold', 'reset']).default('hold'),
    suppressedBy: list(ruleId, 'suppressedByMax', 'rules'),
    actions: actionsSchema,
    message: line('messageLengthMax').default('{device}: {rule} ({value}, limit {threshold})'),
    labels: labels(line('labelNameLengthMax').min(1), line('labelValueLengthMax')),
  })
  .superRefine(({ escalate, severity, suppressedBy }, context) => {
    const problem = (path: PropertyKey[], message: string) =>
      context.addIssue({ code: 'custom', path, message })
    escalate.forEach((step, i) => {
      const before = escalate[i - 1]
      if (before !== undefined && defaultMs(step.after) <= defaultMs(before.after))
        problem(['escalate', i, 'after'], 'must be longer than that of the step before')
      if (step.severity === (before?.severity ?? severity))
        problem(['escalate', i, 'severity'], `it is ${step.severity} before this step already`)
    })
    suppressedBy.forEach((id, i) => {
      if (suppressedBy.indexOf(id) < i) problem(['suppressedBy', i], 'named twice')
    })
  })

function defaultMs(given: Duration): number {
  return durationMs(typeof given === 'string' ? given : given.default) ?? 0
}

/** Fields that the platform adds to a rule; a client may send back what it was given. */
const addedFields = ['version', 'createdAt', 'updatedAt', 'updatedBy']

/**
 * Checks a rule as it came in a request and fills in the defaults. Problems come with a JSON pointer into the body as it was
 * sent; first those of its shape as a whole, then those of its fields, and those that other things show only once the
 * fields are right. `metrics` are those that the rule reads.
 */
export function validateRule(input: unknown, context: RuleContext): RuleCheck {
  const deep = shapeProblems(input)
  if (deep.length > 0) return refused(deep)
  const parsed = ruleSchema.safeParse(withoutAdded(input))
  if (!parsed.success) return refused(parsed.error.issues.flatMap(problemsOf))
  const { actions: given, ...fields } = parsed.data
  const rule = { ...fields, id: fields.id ?? idFromName(fields.name) }
  if (!isRuleId(rule.id))
    return refused([{ pointer: '/id', detail: 'no id can be made from the name: give one' }])
  const { actions, problems } = completeActions(rule.id, given, context.actions)
  const completed: Rule = actions === undefined ? rule : { ...rule, actions }
  const errors = [...ruleProblems(rule, context), ...problems]
  return errors.length > 0 ? refused(errors) : { ok: true, rule: completed, metrics: metricsOf(rule) }
}

function refused(errors: readonly RuleProblem[]): RuleCheck {
  return { ok: false, errors: errors.slice(0, ruleLimits.problemsMax) }
}

/** An unknown field is named by its own pointer; any other problem by where it is. */
function problemsOf(issue: z.core.$ZodIssue): RuleProblem[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ pointer: toPointer([...issue.path, key]), detail: 'unknown field' }))
  const detail = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message
  return [{ pointer: toPointer(issue.path), detail }]
}

function withoutAdded(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input
  return Object.fromEntries(Object.entries(input).filter(([key]) => !addedFields.includes(key)))
}

/** `Fridge above 8 °C` → `fridge-above-8-c`; empty where the name has no letter or digit of ASCII. */
function idFromName(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{Mark}+/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 64)
    .replace(/-+$/, '')
}
