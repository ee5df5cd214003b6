import fc from 'fast-check'
import type { Condition, Rule, Schedule } from '../../../rules/rule.ts'
import * as conditions from './arbitrary-conditions.ts'
import { arbitrarySeries, arrivals, type SeriesShape, usualShape } from './arbitrary-readings.ts'
import { msOf } from './judgement.ts'
import { ruleOf } from './rule-of.ts'
import type { GivenReading, World } from './world.ts'

/** What `reference` takes: readings in order of arrival. */
export interface Case {
  readonly rule: Rule
  readonly readings: readonly GivenReading[]
  readonly world: World
}

export interface KindOfRules {
  readonly name: string
  readonly cases: fc.Arbitrary<Case>
}

const shortDurations = conditions.duration('0s', '0s', '15s', '30s', '45s')

/** Around 02:00 in Berlin, where the series begin: one that hours repeated in autumn are in twice, one over midnight. */
const schedules: readonly Schedule[] = [
  { timezone: 'Europe/Berlin', weekly: [{ days: ['tue', 'sun'], from: '02:01', to: '02:58' }] },
  { timezone: 'Europe/Berlin', weekly: [{ days: ['mon', 'sat'], from: '22:00', to: '02:02' }] },
  { timezone: 'UTC', weekly: [{ days: ['tue', 'sun'], from: '00:00', to: '24:00' }] },
]

const often = <T>(usual: T, rare: fc.Arbitrary<T>, weight = 4): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: rare })

/** All of a rule but its condition. */
const surroundings = fc.record({
  for: shortDurations,
  keepFor: shortDurations,
  escalate: fc.constantFrom<Rule['escalate']>(
    [],
    [],
    [{ after: '30s', severity: 'major' }],
    [
      { after: '15s', severity: 'major' },
      { after: '45s', severity: 'critical' },
    ],
  ),
  schedule: often<Schedule | undefined>(undefined, fc.constantFrom(...schedules)),
  wait: often('0s', fc.constantFrom('15s', '30s', '1m')),
  gaps: fc.constantFrom<'hold' | 'reset'>('hold', 'reset'),
  suppressedBy: often<readonly string[]>([], fc.constant(['other']), 6),
})

const otherRule: Rule = ruleOf(
  { kind: 'threshold', metric: 'm', above: 3, clear: 2 },
  { id: 'other', name: 'Other' },
)

const labels = fc.record(
  {
    max: fc.constantFrom('3', '2', '2.5', '-1', 'high', ''),
    grace: fc.constantFrom('15s', '30s', 'soon'),
    mode: fc.constantFrom('on', 'off'),
    site: fc.constantFrom('a', 'a', 'a', 'b'),
  },
  { requiredKeys: [] },
)

interface Draft {
  readonly rule: Rule
  readonly sorted: readonly GivenReading[]
  readonly world: World
}

function casesOf(
  when: fc.Arbitrary<Condition>,
  shape: Partial<SeriesShape> = {},
  finish: (draft: Draft) => fc.Arbitrary<Draft> = fc.constant,
): fc.Arbitrary<Case> {
  const full = { ...usualShape, ...shape }
  return fc
    .record({
      when,
      surroundings,
      sorted: arbitrarySeries(full),
      labels: fc.tuple(...full.devices.map(() => labels)),
      maintenance: often<readonly (readonly [number, number])[]>([], fc.constant([[30_000, 90_000]]), 8),
      lateMs: fc.constantFrom(0, 0, 0, 30_000),
    })
    .chain((drawn) => {
      const start = drawn.sorted[0]!.ts
      // Which of two rules stands first when one of them waits is not said.
      const wait = drawn.surroundings.suppressedBy.length > 0 ? '0s' : drawn.surroundings.wait
      const draft: Draft = {
        rule: ruleOf(drawn.when, { ...drawn.surroundings, wait }),
        sorted: drawn.sorted,
        world: {
          labels: Object.fromEntries(full.devices.map((device, i) => [device, drawn.labels[i]!])),
          maintenance: drawn.maintenance.map(([from, to]) => ({ from: start + from, to: start + to })),
          otherRules: [otherRule],
        },
      }
      return finish(draft).chain(({ rule, sorted, world }) => {
        const withinMs = Math.max(drawn.lateMs, msOf(rule.wait))
        const order = withinMs === 0 ? fc.constant([...sorted]) : arrivals(sorted, withinMs)
        return order.map((readings) => ({ rule, readings, world }))
      })
    })
}

const two = { values: { m: usualShape.values.m!, n: usualShape.values.m! } }
const numbers = [0, 1, 2, 2, 3, 3, 4, 5, 6]
const quarters = [15, 15, 15, 30, 0, 60, 45].map((minutes) => minutes * 60_000)
const days = [5, 15, 15, 30, 60, 60, 0, 22 * 60, 24 * 60, 24 * 60].map((minutes) => minutes * 60_000)
/** No gap so long that the deviation of ewma drowns in rounding. */
const shortSteps = usualShape.stepsMs.filter((stepMs) => stepMs < 900_000)
const many = { devices: ['a', 'b', 'c', 'd', 'e'], stepsMs: [0, 0, 0, 15_000, 15_000, 30_000, 150_000] }

/** A clock that runs on; and now and then a device that is registered but was not heard for a while, or ever. */
const withClock = (draft: Draft) =>
  fc
    .record({
      silenceMs: fc.constantFrom(undefined, 0, 15_000, 30_000, 90_000, 1_200_000),
      registeredMs: fc.constantFrom(undefined, undefined, -60_000, -15_000, 0),
      isHeard: fc.integer({ min: 0, max: 9 }),
      type: fc.constantFrom('generic', 'smart_meter'),
    })
    .map(({ silenceMs, registeredMs, isHeard, type }): Draft => {
      const from = draft.sorted[0]!.ts
      const to = draft.sorted.at(-1)!.ts
      return {
        // What the clock does at the edges of a schedule, and beside another rule, is not said; `reset` is refused.
        rule: { ...draft.rule, schedule: undefined, suppressedBy: [], gaps: 'hold' },
        sorted: isHeard === 0 ? [] : draft.sorted,
        world: {
          ...draft.world,
          deviceTypes: { 'device-1': type },
          ...(silenceMs === undefined ? {} : { until: to + silenceMs }),
          ...(registeredMs === undefined ? {} : { registeredAt: { 'device-1': from + registeredMs } }),
        },
      }
    })

/** Connections come in order of time, so the readings do too. */
const withConnections = (draft: Draft) => {
  const offsets = fc.array(fc.tuple(fc.nat(600), fc.boolean()), { maxLength: 20, size: 'max' })
  return offsets.map((drawn): Draft => {
    const from = draft.sorted[0]!.ts
    const connections = drawn
      .map(([seconds, online]) => ({ device: 'device-1', ts: from + seconds * 1000 + 500, online }))
      .sort((a, b) => a.ts - b.ts)
    const { when } = draft.rule
    const isOfRule = when.kind === 'flapping' && when.of !== 'connection'
    return {
      ...draft,
      rule: { ...draft.rule, wait: '0s' },
      world: { ...draft.world, connections: isOfRule ? [] : connections },
    }
  })
}

/** A sequence, or a rollover, is met at one reading and not at the next: a rule with a `for` over 0 is refused. */
const atOnce = (draft: Draft) => {
  const { when } = draft.rule
  const isOnce = when.kind === 'sequence' || (when.kind === 'counter' && when.event === 'rollover')
  return fc.constant<Draft>(isOnce ? { ...draft, rule: { ...draft.rule, for: '0s' } } : draft)
}

const kind = (name: string, cases: fc.Arbitrary<Case>): KindOfRules => ({ name, cases })

/** Random rules over random series for each kind of condition; `numRuns` is the caller's. */
export const kinds: readonly KindOfRules[] = [
  kind('threshold', casesOf(conditions.threshold())),
  kind('rate', casesOf(conditions.rate)),
  kind('aggregate', casesOf(conditions.aggregate)),
  kind('share', casesOf(conditions.share, two)),
  kind('cumulative', casesOf(conditions.cumulative, two)),
  kind('inverse-time', casesOf(conditions.inverseTime)),
  kind('absence', casesOf(conditions.absence, { values: { m: [1, 2, 'on'], y: [1] } }, withClock)),
  kind('stuck', casesOf(conditions.stuck, { values: { m: [3, 3, 3, 3, 3, 4, 5, 'on'] } })),
  kind(
    'counter',
    casesOf(
      conditions.counter,
      { values: { m: [0, 1, 2, 4, 5, 6, 8, 9, 10, 'on'] }, stepsMs: quarters },
      atOnce,
    ),
  ),
  kind('score (table)', casesOf(conditions.score('table'), two)),
  kind(
    'score (news2)',
    casesOf(conditions.score('news2'), {
      values: {
        respiration_rate_bpm: [8, 9, 12, 20, 20.5, 24.4, 25],
        spo2_pct: [91, 91.5, 93, 94, 96],
        heart_rate_bpm: [40, 40.5, 50, 90, 91, 110, 131],
        temperature_c: [35, 35.04, 35.06, 36.1, 38.1, 39.06],
        oxygen_given: [true, false],
        alert: [true, false],
      },
    }),
  ),
  kind('baseline (mad)', casesOf(conditions.baseline('mad'))),
  kind('baseline (daily)', casesOf(conditions.baseline('daily'), { stepsMs: days })),
  kind('baseline (ewma)', casesOf(conditions.baseline('ewma'), { stepsMs: shortSteps })),
  kind('trend', casesOf(conditions.trend, { values: { m: numbers }, readingsMax: 14 })),
  kind('peers', casesOf(conditions.peers, { ...many, values: { m: [...numbers, 'on'] } })),
  kind('flapping', casesOf(conditions.flapping, { values: { m: [1, 1, 3, 4, 5] } }, withConnections)),
  kind('sequence', casesOf(conditions.sequence, two, atOnce)),
  kind('all', casesOf(conditions.all, two)),
  kind('any', casesOf(conditions.any, two)),
  kind('not', casesOf(conditions.not, two)),
  kind('repeated', casesOf(conditions.repeated, two)),
  kind('group', casesOf(conditions.group, { ...two, ...many })),
  kind(
    'expression',
    casesOf(conditions.expression, {
      values: { m: numbers, n: numbers, flag: [true, false], t: ['on', 'off'] },
    }),
  ),
]
