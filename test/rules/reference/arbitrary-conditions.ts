import fc from 'fast-check'
import type { Condition, Duration, Limit } from '../../../rules/rule.ts'

type Kind<K extends Condition['kind']> = fc.Arbitrary<Extract<Condition, { kind: K }>>

export const limit = (values: readonly number[]): fc.Arbitrary<Limit> =>
  fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...values) },
    { weight: 1, arbitrary: fc.constantFrom(...values).map((value) => ({ label: 'max', default: value })) },
  )

export const duration = (...texts: readonly string[]): fc.Arbitrary<Duration> =>
  fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...texts) },
    { weight: 1, arbitrary: fc.constantFrom(...texts).map((text) => ({ label: 'grace', default: text })) },
  )

export const aboveOrBelow = (values: readonly number[]) =>
  fc.oneof(
    limit(values).map((above) => ({ above })),
    limit(values).map((below) => ({ below })),
  )

const metrics = (names: readonly string[]) => fc.constantFrom(...names)

export function threshold(names: readonly string[] = ['m']): Kind<'threshold'> {
  const limits = fc.oneof(
    { weight: 3, arbitrary: aboveOrBelow([2, 3, 4]) },
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        { above: 3, clear: 3 },
        { above: 3, clear: 1 },
        { below: 3, clear: 4 },
        { outside: [2, 4] as const },
        { outside: [1, 5] as const, clear: [2, 4] as const },
        { inside: [2, 4] as const },
        { inside: [2, 5] as const },
        { equals: 'on' },
        { equals: true },
      ),
    },
  )
  return fc.tuple(metrics(names), limits).map(([metric, limit]) => ({ kind: 'threshold', metric, ...limit }))
}

export const rate: Kind<'rate'> = fc
  .tuple(
    fc.constantFrom('15s', '1m'),
    fc.constantFrom(undefined, undefined, '15s', '30s', '1m'),
    aboveOrBelow([-1, 0, 1, 2]),
  )
  .map(([per, window, limits]) => ({ kind: 'rate', metric: 'm', per, window, ...limits }))

/** p90 and deviations never meet these limits by rounding: none is a multiple of 0.01, or a root of a small fraction. */
const awkward = ['stddev', 'p90', 'p95', 'p99']

export const aggregate: Kind<'aggregate'> = fc
  .constantFrom('mean', 'min', 'max', 'sum', 'count', 'range', 'stddev', 'p50', 'p75', 'p90', 'p95', 'p99')
  .chain((fn) =>
    fc
      .tuple(
        duration('15s', '30s', '1m', '2m'),
        awkward.includes(fn)
          ? fc.constantFrom({ above: 1.3337 }, { above: 3.3337 }, { below: 3.7771 }, { below: 0.7771 })
          : aboveOrBelow([1, 2, 3, 4, 6]),
        fc.constantFrom(1, 1, 2, 3),
        fc.constantFrom(undefined, undefined, [1, 4] as const, [2, 9] as const),
      )
      .map(([window, limits, minCount, plausible]) => ({
        kind: 'aggregate',
        metric: 'm',
        fn,
        window,
        ...limits,
        minCount,
        plausible,
      })),
  )

export const inverseTime: Kind<'inverse-time'> = fc.constantFrom(
  { kind: 'inverse-time', metric: 'm', table: [{ above: 3, for: '30s' }] },
  {
    kind: 'inverse-time',
    metric: 'm',
    table: [
      { above: 1, for: '1m' },
      { above: 2, for: '30s' },
      { above: 4, for: '0s' },
    ],
  },
  {
    kind: 'inverse-time',
    metric: 'm',
    table: [
      { above: { label: 'max', default: 2 }, for: { label: 'grace', default: '45s' } },
      { above: 5, for: '15s' },
    ],
  },
)

export const stuck: Kind<'stuck'> = fc
  .tuple(duration('15s', '30s', '1m'), fc.constantFrom(0, 0, 1, 2), fc.constantFrom(1, 2, 3))
  .map(([window, tolerance, minCount]) => ({ kind: 'stuck', metric: 'm', window, tolerance, minCount }))

/** Kinds that may stand within another; two deep at most. */
export function inner(names: readonly string[] = ['m', 'n']): fc.Arbitrary<Condition> {
  const leaf: fc.Arbitrary<Condition> = fc.oneof(
    { weight: 6, arbitrary: threshold(names) },
    { weight: 1, arbitrary: rate },
    { weight: 1, arbitrary: aggregate },
    { weight: 1, arbitrary: inverseTime },
  )
  return fc.oneof(
    { weight: 4, arbitrary: leaf },
    { weight: 1, arbitrary: leaf.map((of): Condition => ({ kind: 'not', of })) },
    { weight: 1, arbitrary: fc.tuple(leaf, leaf).map((of): Condition => ({ kind: 'all', of })) },
    { weight: 1, arbitrary: fc.tuple(leaf, leaf).map((of): Condition => ({ kind: 'any', of })) },
  )
}

/** Windows of 2, 4 and 8 steps: the shares 0.25 and 0.5 are exact. */
export const share: Kind<'share'> = fc
  .tuple(inner(), fc.constantFrom('30s', '1m', '2m'), fc.constantFrom(0, 0.25, 0.5))
  .map(([of, window, above]) => ({ kind: 'share', of, window, above }))

export const cumulative: Kind<'cumulative'> = fc
  .tuple(
    inner(),
    duration('0s', '15s', '45s', '2m'),
    fc.option(
      inner(['n']).filter((one) => one.kind === 'threshold'),
      { nil: undefined },
    ),
  )
  .map(([of, longerThan, reset]) => ({ kind: 'cumulative', of, longerThan, reset }))

export const absence: Kind<'absence'> = fc
  .tuple(
    fc.constantFrom('m', undefined),
    fc.oneof(duration('15s', '30s', '1m'), fc.constantFrom({ intervals: 1 }, { intervals: 3 })),
  )
  .map(([metric, longerThan]) => ({ kind: 'absence', metric, longerThan }))

export const counter: Kind<'counter'> = fc.oneof(
  fc
    .tuple(fc.constantFrom('reset', 'rollover', 'reverse'), fc.constantFrom(10, 12, 20))
    .map(([event, max]) => ({ kind: 'counter' as const, metric: 'm', event, max })),
  fc.constantFrom('reset', 'reverse').map((event) => ({ kind: 'counter' as const, metric: 'm', event })),
  fc
    .constantFrom(1, 2)
    .map((tolerance) => ({ kind: 'counter' as const, metric: 'm', event: 'reverse' as const, tolerance })),
  fc.tuple(limit([1, 4, 8]), fc.constantFrom(undefined, 0, 1, 3)).map(([maxPerHour, tolerance]) => ({
    kind: 'counter' as const,
    metric: 'm',
    event: 'implausible' as const,
    maxPerHour,
    tolerance,
  })),
)

const table = {
  m: [{ upTo: 1, points: 3 }, { upTo: 3, points: 1 }, { points: 0 }],
  n: [{ upTo: 2, points: 0 }, { upTo: 4, points: 2 }, { points: 3 }],
}

export function score(of: 'news2' | 'table'): Kind<'score'> {
  const met = fc.oneof(
    limit([0, 1, 2, 4, 6]).map((above) => ({ above })),
    fc.constantFrom(1, 2, 3).map((single) => ({ single })),
  )
  return fc.tuple(met, duration('15s', '30s', '1m', '15m')).map(([limits, maxAge]) => ({
    kind: 'score',
    table: of === 'news2' ? 'news2' : table,
    ...limits,
    maxAge,
  }))
}

/** Medians of whole numbers and half a k are exact; for ewma, k is such that no distance meets it. */
export function baseline(method: 'mad' | 'daily' | 'ewma'): Kind<'baseline'> {
  const ofWindow = { mad: ['5m', '64m', '256m'], daily: ['1d', '2d', '14d'], ewma: ['5m', '20m'] }[method]
  const ofWarmup = method === 'daily' ? ['0s', '1h', '1d'] : ['0s', '30s', '1m']
  return fc
    .record({
      window: fc.constantFrom(...ofWindow),
      k: fc.constantFrom(...(method === 'ewma' ? [0.71937, 1.3719, 2.7193] : [0.5, 1, 2, 4])),
      direction: fc.constantFrom('both', 'above', 'below'),
      warmup: fc.constantFrom(...ofWarmup),
      minSpread: fc.constantFrom(...(method === 'ewma' ? [0, 0.7193] : [0, 0.5, 1])),
      timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kolkata'),
    })
    .map((rest) => ({ kind: 'baseline', metric: 'm', method, ...rest }))
}

/** No time left is a whole number of steps over a small fraction plus 3 ms, so `within` is never met exactly. */
export const trend: Kind<'trend'> = fc
  .record({
    window: fc.constantFrom('6m', '12m', '24m'),
    reaches: limit([0, 3, 6, 8.25]),
    within: fc.constantFrom('15003ms', '61003ms', '600003ms'),
    minSamples: fc.constantFrom(2, 3, 8),
  })
  .map((rest) => ({ kind: 'trend', metric: 'm', ...rest }))

export const peers: Kind<'peers'> = fc
  .record({
    k: fc.constantFrom(0.5, 1, 2, 4),
    minPeers: fc.constantFrom(1, 2, 3),
    maxAge: duration('15s', '30s', '15m'),
    minSpread: fc.constantFrom(0, 0.5, 1),
  })
  .map((rest) => ({ kind: 'peers', metric: 'm', by: 'site', ...rest }))

/** Limits that no sum of weights meets. */
export const flapping: Kind<'flapping'> = fc
  .record({
    of: fc.constantFrom('connection' as const, { rule: 'other' }),
    above: fc.constantFrom(0.1237, 0.2603, 0.4871),
    clear: fc.constantFrom(0.0511, 0.1019),
  })
  .map((rest) => ({ kind: 'flapping', ...rest }))

export const sequence: Kind<'sequence'> = fc
  .array(
    fc.record({
      when: fc.oneof({ weight: 4, arbitrary: threshold(['m', 'n']) }, { weight: 1, arbitrary: inner() }),
      within: fc.option(duration('0s', '15s', '30s', '1m'), { nil: undefined }),
    }),
    { minLength: 2, maxLength: 4 },
  )
  .map(([first, ...rest]) => ({ kind: 'sequence', steps: [{ when: first!.when }, ...rest] }))

export const all: Kind<'all'> = fc
  .array(inner(), { minLength: 1, maxLength: 3 })
  .map((of) => ({ kind: 'all', of }))
export const any: Kind<'any'> = fc
  .array(inner(), { minLength: 1, maxLength: 3 })
  .map((of) => ({ kind: 'any', of }))
export const not: Kind<'not'> = inner().map((of) => ({ kind: 'not', of }))
export const repeated: Kind<'repeated'> = fc
  .tuple(
    inner(),
    fc.constantFrom(2, 2, 3, 4),
    duration('0s', '15s', '30s', '1m'),
    fc.option(duration('15s', '30s', '1m'), { nil: undefined }),
  )
  .map(([of, times, lasting, within]) => ({ kind: 'repeated', of, times, for: lasting, within }))

export const group: Kind<'group'> = fc
  .tuple(
    inner(),
    fc.constantFrom('site', undefined),
    fc.constantFrom({ atLeast: 1 }, { atLeast: 2 }, { atLeast: 3 }, { share: 0.25 }, { share: 0.5 }),
  )
  .map(([of, by, many]) => ({ kind: 'group', of, by, ...many }))

/** `m` and `n` are numbers, `flag` is a boolean, `t` a text. */
export const expression: Kind<'expression'> = fc
  .tuple(
    fc.constantFrom(
      'm > 3.0',
      'm > 3.0 && !flag',
      'flag || m + n >= 6.0',
      '!(flag && t == "on")',
      "m - n != 0.0 ? flag : t == 'off'",
      't == labels.mode',
      'm < 2.0 || t == labels.mode',
      'm > 2.0 && t == labels.mode',
      'm * 2.0 > n / 0.5',
      'flag && device == "device-1"',
      'm > double(labels.max)',
    ),
    fc.constantFrom(undefined, undefined, '0s', '15s', '30s'),
  )
  .map(([cel, maxAge]) => ({ kind: 'expression', cel, maxAge }))
