import { z } from 'zod'
import { durationMs } from '../domain/duration.ts'
import { isDeviceId, isDeviceType, isMetricName, isRuleId } from '../domain/names.ts'
import type { Profile } from '../domain/profile.ts'
import type { Rule } from './rule.ts'

/** A problem with a rule: where in the body as it was sent (JSON pointer, RFC 6901), and what. */
export interface RuleProblem {
  readonly pointer: string
  readonly detail: string
}

export type RuleCheck =
  | { readonly ok: true; readonly rule: Rule; readonly metrics: readonly string[] }
  | { readonly ok: false; readonly errors: readonly RuleProblem[] }

const duration = z
  .string()
  .refine((text) => durationMs(text) !== undefined, 'expected a duration such as 30s, 15m, 2h, 7d')
const pair = z.tuple([z.number(), z.number()])
const limit = z.union([z.number(), z.strictObject({ label: z.string().min(1), default: z.number() })])

const comparisons = ['above', 'below', 'outside', 'inside', 'equals'] as const

const thresholdSchema = z
  .strictObject({
    kind: z.literal('threshold'),
    metric: z.string().refine((name) => isMetricName(name), 'not a metric name'),
    above: limit.optional(),
    below: limit.optional(),
    outside: pair.optional(),
    inside: pair.optional(),
    equals: z.union([z.number(), z.boolean(), z.string()]).optional(),
    clear: z.union([z.number(), pair]).optional(),
  })
  .superRefine((when, context) => {
    const given = comparisons.filter((name) => when[name] !== undefined)
    const problem = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
    if (given.length !== 1) return problem([], `expected exactly one of ${comparisons.join(', ')}`)
    const { above, below, outside, inside, clear } = when
    for (const name of ['outside', 'inside'] as const) {
      const range = when[name]
      if (range !== undefined && range[0] >= range[1])
        problem([name], 'the first number must be below the second')
    }
    if (clear === undefined) return
    if (inside !== undefined || when.equals !== undefined)
      return problem(['clear'], 'only with above, below or outside')
    if (outside !== undefined) {
      if (!Array.isArray(clear)) return problem(['clear'], 'expected [low, high] beside outside')
      if (clear[0] > clear[1] || clear[0] < outside[0] || clear[1] > outside[1]) {
        problem(['clear'], 'expected a range within outside')
      }
      return
    }
    if (typeof clear !== 'number') return problem(['clear'], 'expected a number')
    if (typeof above === 'number' && clear > above) problem(['clear'], 'must not be above the limit')
    if (typeof below === 'number' && clear < below) problem(['clear'], 'must not be below the limit')
  })

/** Fields of the rule model whose feature is not built yet: refused when they ask for something, never ignored. */
const later = (name: string) => z.array(z.unknown()).max(0, `${name} is not supported yet`).optional()

const ruleSchema = z.strictObject({
  id: z.string().refine(isRuleId, 'expected ^[a-z0-9][a-z0-9-]{0,63}$').optional(),
  name: z.string().min(1).max(200),
  description: z.string().max(2_000).optional(),
  enabled: z.boolean().default(true),
  class: z.enum(['maintenance', 'health']),
  severity: z.enum(['critical', 'major', 'minor', 'warning', 'info']),
  select: z
    .strictObject({
      types: z.array(z.string().refine(isDeviceType, 'not a device type')).max(100).default([]),
      labels: z.record(z.string(), z.string()).default({}),
      devices: z.array(z.string().refine(isDeviceId, 'not a device id')).max(10_000).default([]),
    })
    .default({ types: [], labels: {}, devices: [] }),
  when: z.discriminatedUnion('kind', [thresholdSchema]),
  for: duration.default('0s'),
  keepFor: duration.default('0s'),
  wait: duration
    .refine((text) => durationMs(text) === 0, 'a wait other than 0s is not supported yet')
    .default('0s'),
  gaps: z.literal('hold', 'only "hold" is supported yet').default('hold'),
  message: z.string().max(500).default('{device}: {rule} ({value}, limit {threshold})'),
  labels: z.record(z.string().max(64), z.string().max(500)).default({}),
  escalate: later('escalate'),
  actions: later('actions'),
  suppressedBy: later('suppressedBy'),
  schedule: z.undefined('schedule is not supported yet').optional(),
})

/** Fields that the platform adds to a rule; a client may send back what it was given. */
const addedFields = ['version', 'createdAt', 'updatedAt']

/** Checks a rule as it came in a request. `profiles` tells which metrics a device type has. */
export function validateRule(input: unknown, context: { profiles: ReadonlyMap<string, Profile> }): RuleCheck {
  const parsed = ruleSchema.safeParse(withoutAdded(input))
  if (!parsed.success) {
    const errors = parsed.error.issues.flatMap((issue) => {
      const keys = issue.code === 'unrecognized_keys' ? issue.keys : [undefined]
      const path = issue.path.map(String)
      return keys.map((key) => ({
        pointer: toPointer(key === undefined ? path : [...path, key]),
        detail: key === undefined ? issue.message : 'unknown field',
      }))
    })
    return { ok: false, errors }
  }
  const { escalate: _e, actions: _a, suppressedBy: _s, schedule: _c, ...fields } = parsed.data
  const id = fields.id ?? idFromName(fields.name)
  if (!isRuleId(id))
    return { ok: false, errors: [{ pointer: '/id', detail: 'no id can be made from the name: give one' }] }
  const unknownMetric = metricProblem(fields.when.metric, fields.select.types, context.profiles)
  if (unknownMetric !== undefined) return { ok: false, errors: [unknownMetric] }
  return { ok: true, rule: { ...fields, id }, metrics: [fields.when.metric] }
}

function withoutAdded(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input
  return Object.fromEntries(Object.entries(input).filter(([key]) => !addedFields.includes(key)))
}

function idFromName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 64)
    .replace(/-+$/, '')
}

/** A metric that none of the selected types has, when all of them are known and list their metrics. */
function metricProblem(
  metric: string,
  types: readonly string[],
  profiles: ReadonlyMap<string, Profile>,
): RuleProblem | undefined {
  if (types.length === 0) return undefined
  for (const type of types) {
    const profile = profiles.get(type)
    if (profile === undefined || Object.keys(profile.metrics).length === 0) return undefined
    if (Object.hasOwn(profile.metrics, metric)) return undefined
  }
  return { pointer: '/when/metric', detail: `${types.join(', ')} has no metric ${metric}` }
}

/** RFC 6901. */
export function toPointer(path: readonly string[]): string {
  return path.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
