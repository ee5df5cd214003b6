import { z } from 'zod'
import { durationMs } from '../domain/duration.ts'
import { isDeviceId, isDeviceType, isLabelName, isMetricName, isRuleId } from '../domain/names.ts'
import type { Profile } from '../domain/profile.ts'
import type { Rule } from './rule.ts'
import { comparisons, profileProblems, type RuleProblem } from './rule-checks.ts'

export type RuleCheck =
  | { readonly ok: true; readonly rule: Rule; readonly metrics: readonly string[] }
  | { readonly ok: false; readonly errors: readonly RuleProblem[] }

/** Bounds of a rule's lists, so that what one rule holds is bounded beside the size of a body. */
const typesMax = 100
const devicesMax = 10_000
const labelsMax = 50

/** Kinds of the rule model that this release does not have: refused by name, not as a typing error. */
const laterKinds =
  'rate aggregate share cumulative inverse-time absence stuck counter score baseline trend peers flapping sequence all any not group expression'.split(
    ' ',
  )

const labelled = z.strictObject({
  label: z.string().refine(isLabelName, 'not a label name'),
  default: z.number(),
})
const limit = z.union([z.number(), labelled], 'expected a number, or {"label": …, "default": number}')
const range = z
  .tuple([z.number(), z.number()], 'expected [low, high]')
  .refine(([low, high]) => low < high, 'the first number must be below the second')

/** A duration; a label's is part of the model, but not built yet. */
const duration = z
  .string('expected a duration such as 15m; one from a label is not supported yet')
  .refine((text) => durationMs(text) !== undefined, 'expected a duration such as 30s, 15m, 2h, 7d')

const thresholdSchema = z
  .strictObject({
    kind: z.literal('threshold'),
    metric: z.string().refine((name) => isMetricName(name), 'not a metric name'),
    above: limit.optional(),
    below: limit.optional(),
    outside: range.optional(),
    inside: range.optional(),
    equals: z.union([z.number(), z.boolean(), z.string().max(256)]).optional(),
    clear: z
      .union([z.number(), z.tuple([z.number(), z.number()])], 'expected a number or [low, high]')
      .optional(),
  })
  .superRefine((when, context) => {
    const given = comparisons.filter((name) => when[name] !== undefined)
    const problem = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
    if (given.length === 0) return problem([], `expected one of ${comparisons.join(', ')}`)
    for (const extra of given.slice(1)) problem([extra], `cannot stand beside ${given[0]}: give exactly one`)
    const detail = clearProblem(when)
    if (detail !== undefined) problem(['clear'], detail)
  })

type Bounds = Pick<z.output<typeof thresholdSchema>, 'above' | 'below' | 'outside' | 'clear'>

/** Why `clear` contradicts the limit. Beside a label's limit it is held against the default; see conditions/threshold.ts. */
function clearProblem({ above, below, outside, clear }: Bounds): string | undefined {
  if (clear === undefined) return undefined
  if (outside !== undefined) {
    if (!Array.isArray(clear)) return 'expected [low, high] beside outside'
    const [low, high] = clear
    return low <= high && low >= outside[0] && high <= outside[1]
      ? undefined
      : 'expected a range within outside'
  }
  if (above === undefined && below === undefined) return 'only with above, below or outside'
  if (typeof clear !== 'number') return 'expected a number'
  if (above !== undefined && clear > defaultOf(above)) return 'must not be above the limit'
  if (below !== undefined && clear < defaultOf(below)) return 'must not be below the limit'
  return undefined
}

function defaultOf(given: z.output<typeof limit>): number {
  return typeof given === 'number' ? given : given.default
}

const select = z.strictObject({
  types: z.array(z.string().refine(isDeviceType, 'not a device type')).max(typesMax).default([]),
  labels: z
    .record(z.string().refine(isLabelName, 'not a label name'), z.string().max(256))
    .refine((labels) => Object.keys(labels).length <= labelsMax, `at most ${labelsMax} labels`)
    .default({}),
  devices: z.array(z.string().refine(isDeviceId, 'not a device id')).max(devicesMax).default([]),
})

/** Fields of the rule model whose feature is not built yet: refused when they ask for something, never ignored. */
const laterList = (name: string) => z.array(z.unknown()).max(0, `${name} is not supported yet`).optional()

const ruleSchema = z.strictObject({
  id: z.string().refine(isRuleId, 'expected ^[a-z0-9][a-z0-9-]{0,63}$').optional(),
  name: z.string().min(1).max(200),
  description: z.string().max(2_000).optional(),
  enabled: z.boolean().default(true),
  class: z.enum(['maintenance', 'health']),
  severity: z.enum(['critical', 'major', 'minor', 'warning', 'info']),
  select: select.default({ types: [], labels: {}, devices: [] }),
  when: z.discriminatedUnion('kind', [thresholdSchema], { error: kindProblem }),
  for: duration.default('0s'),
  keepFor: duration.default('0s'),
  wait: duration
    .refine((text) => (durationMs(text) ?? 0) === 0, 'a wait other than 0s is not supported yet')
    .default('0s'),
  gaps: z.enum(['hold', 'reset']).default('hold'),
  message: z.string().max(500).default('{device}: {rule} ({value}, limit {threshold})'),
  labels: z
    .record(z.string().max(64), z.string().max(500))
    .refine((labels) => Object.keys(labels).length <= labelsMax, `at most ${labelsMax} labels`)
    .default({}),
  escalate: laterList('escalate'),
  actions: laterList('actions'),
  suppressedBy: laterList('suppressedBy'),
  schedule: z.strictObject({}, 'schedule is not supported yet').optional(),
})

function kindProblem({ code, input }: { readonly code: string; readonly input?: unknown }): string {
  const kind = typeof input === 'object' && input !== null && 'kind' in input ? input.kind : undefined
  if (code !== 'invalid_union') return 'expected a condition such as {"kind": "threshold", …}'
  return laterKinds.some((later) => later === kind)
    ? `the kind ${String(kind)} is not supported yet`
    : 'expected the kind threshold'
}

/** Fields that the platform adds to a rule; a client may send back what it was given. */
const addedFields = ['version', 'createdAt', 'updatedAt']

/**
 * Checks a rule as it came in a request and fills in the defaults. `profiles` tells which metrics a device type has.
 * Problems come with a JSON pointer (RFC 6901) into the body as it was sent; those that need the profiles come only
 * once the shape is right. `metrics` are those that the rule reads.
 */
export function validateRule(input: unknown, context: { profiles: ReadonlyMap<string, Profile> }): RuleCheck {
  const parsed = ruleSchema.safeParse(withoutAdded(input))
  if (!parsed.success) return { ok: false, errors: parsed.error.issues.flatMap(problemsOf) }
  const { escalate: _e, actions: _a, suppressedBy: _s, schedule: _c, ...fields } = parsed.data
  const rule = { ...fields, id: fields.id ?? idFromName(fields.name) }
  const errors = profileProblems(rule, context.profiles)
  if (!isRuleId(rule.id)) errors.push({ pointer: '/id', detail: 'no id can be made from the name: give one' })
  return errors.length > 0 ? { ok: false, errors } : { ok: true, rule, metrics: [rule.when.metric] }
}

/** An unknown field is named by its own pointer; any other problem by where it is. */
function problemsOf(issue: z.core.$ZodIssue): RuleProblem[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    const isSchedule = path.length === 1 && path[0] === 'schedule'
    const detail = isSchedule ? 'schedule is not supported yet' : 'unknown field'
    return issue.keys.map((key) => ({ pointer: toPointer([...path, key]), detail }))
  }
  if (issue.code === 'invalid_key') {
    return [{ pointer: toPointer(path), detail: issue.issues[0]?.message ?? issue.message }]
  }
  return [{ pointer: toPointer(path), detail: issue.message }]
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

/** RFC 6901. */
export function toPointer(path: readonly string[]): string {
  return path.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
