import type { Profile } from '../domain/profile.ts'
import type { Condition, Rule, StoredRule } from '../rules/rule.ts'
import { validateRule } from '../rules/rule-schema.ts'
import { benchProfile, fleetMetrics } from './rule-fleet.ts'

const writtenAt = '2026-01-01T00:00:00.000Z'
const profiles: ReadonlyMap<string, Profile> = new Map([[benchProfile.type, benchProfile]])

/** A rule as it would come in a request, its defaults filled in. Throws where the platform would refuse it. */
export function ruleFrom(body: {
  readonly name: string
  readonly when: unknown
  readonly [field: string]: unknown
}): Rule {
  const checked = validateRule({ class: 'maintenance', severity: 'minor', ...body }, { profiles })
  if (!checked.ok) throw new Error(`${body.name}: ${JSON.stringify(checked.errors)}`)
  return checked.rule
}

export function stored(rule: Rule): StoredRule {
  return { ...rule, version: 1, createdAt: writtenAt, updatedAt: writtenAt }
}

/** How far limits lie from the mean, in standard deviations: the nearest are crossed often, most of them hardly ever. */
const [nearest, farthest] = [1.5, 6]

/**
 * `count` threshold rules for every device, spread over the metrics of the fleet, above and below, half of them with
 * hysteresis and a third of them with `for`.
 */
export function thresholdRules(count: number): Rule[] {
  const metrics = Object.entries(fleetMetrics)
  const rulesOfMetric = Math.ceil(count / metrics.length)
  return Array.from({ length: count }, (_, i) => {
    const [metric, { mean, deviation }] = metrics[i % metrics.length]!
    const nth = Math.floor(i / metrics.length)
    const distance = deviation * (nearest + ((farthest - nearest) * nth) / rulesOfMetric)
    const isAbove = nth % 2 === 0
    const limit = isAbove ? mean + distance : mean - distance
    const clear = isAbove ? limit - deviation / 5 : limit + deviation / 5
    return ruleFrom({
      name: `${metric} ${i}`,
      when: {
        kind: 'threshold',
        metric,
        ...(isAbove ? { above: limit } : { below: limit }),
        ...(nth % 4 < 2 ? { clear } : {}),
      },
      ...(nth % 3 === 0 ? { for: '1m' } : {}),
    })
  })
}

type Kind = Condition['kind']

const warm = { kind: 'threshold', metric: 'temperature_c', above: 22 }
const drawing = { kind: 'threshold', metric: 'power_w', above: 1_200 }

/** At least one rule of each kind, as people write them; every reading of the fleet reaches all of them. */
const mix: readonly {
  readonly kind: Kind
  readonly when: Readonly<Record<string, unknown>>
  readonly for?: string
}[] = [
  { kind: 'threshold', when: { ...warm, clear: 21.5 }, for: '1m' },
  { kind: 'threshold', when: { kind: 'threshold', metric: 'door_open', equals: true }, for: '1m' },
  { kind: 'rate', when: { kind: 'rate', metric: 'temperature_c', per: '1m', above: 8 } },
  { kind: 'rate', when: { kind: 'rate', metric: 'power_w', per: '1m', window: '10m', above: 60 } },
  {
    kind: 'aggregate',
    when: { kind: 'aggregate', metric: 'power_w', fn: 'mean', window: '10m', above: 1_150 },
  },
  {
    kind: 'aggregate',
    when: { kind: 'aggregate', metric: 'power_w', fn: 'p95', window: '1h', above: 1_400 },
  },
  {
    kind: 'aggregate',
    when: { kind: 'aggregate', metric: 'temperature_c', fn: 'stddev', window: '1h', above: 1.5 },
  },
  { kind: 'share', when: { kind: 'share', of: warm, window: '7d', above: 0.05 } },
  { kind: 'cumulative', when: { kind: 'cumulative', of: warm, longerThan: '10h' } },
  {
    kind: 'inverse-time',
    when: {
      kind: 'inverse-time',
      metric: 'co_ppm',
      table: [
        { above: 50, for: '60m' },
        { above: 100, for: '10m' },
        { above: 300, for: '3m' },
      ],
    },
  },
  { kind: 'absence', when: { kind: 'absence', metric: 'temperature_c', longerThan: '10m' } },
  { kind: 'absence', when: { kind: 'absence', longerThan: { intervals: 3 } } },
  { kind: 'stuck', when: { kind: 'stuck', metric: 'temperature_c', window: '6h' } },
  { kind: 'counter', when: { kind: 'counter', metric: 'energy_import_kwh', event: 'reset' } },
  { kind: 'score', when: { kind: 'score', table: 'news2', above: 6 } },
  { kind: 'baseline', when: { kind: 'baseline', metric: 'power_w', method: 'mad', window: '14d' } },
  { kind: 'baseline', when: { kind: 'baseline', metric: 'temperature_c', method: 'ewma', window: '14d' } },
  {
    kind: 'trend',
    when: { kind: 'trend', metric: 'battery_pct', window: '14d', reaches: 10, within: '30d' },
  },
  { kind: 'peers', when: { kind: 'peers', metric: 'temperature_c', by: 'row' } },
  { kind: 'flapping', when: { kind: 'flapping', of: { rule: 'mix-0' } } },
  {
    kind: 'sequence',
    when: { kind: 'sequence', steps: [{ when: drawing }, { when: warm, within: '5m' }] },
  },
  { kind: 'all', when: { kind: 'all', of: [warm, drawing] } },
  { kind: 'any', when: { kind: 'any', of: [warm, drawing] } },
  { kind: 'not', when: { kind: 'not', of: { kind: 'threshold', metric: 'humidity_pct', below: 60 } } },
  { kind: 'group', when: { kind: 'group', of: warm, by: 'site', atLeast: 10 } },
  { kind: 'expression', when: { kind: 'expression', cel: 'temperature_c > 22.0 && !door_open' } },
]

/** The rules of the mix, of one kind or of all; with those that it watches. */
export function mixedRules(kind?: Kind): Rule[] {
  return mix
    .map((given, i) => ({
      given,
      rule: ruleFrom({
        id: `mix-${i}`,
        name: `${given.kind} ${i}`,
        select: { types: [benchProfile.type] },
        when: given.when,
        for: given.for ?? '0s',
      }),
    }))
    .filter(({ given }, i) => kind === undefined || given.kind === kind || (kind === 'flapping' && i === 0))
    .map(({ rule }) => rule)
}

export const mixedKinds: readonly Kind[] = [...new Set(mix.map(({ kind }) => kind))]
