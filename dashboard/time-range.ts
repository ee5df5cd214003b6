const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** What the chart offers, shortest first. */
export const ranges = [
  { name: '15m', label: '15 min', ms: 15 * minuteMs },
  { name: '1h', label: '1 h', ms: hourMs },
  { name: '6h', label: '6 h', ms: 6 * hourMs },
  { name: '24h', label: '24 h', ms: dayMs },
  { name: '7d', label: '7 d', ms: 7 * dayMs },
  { name: '30d', label: '30 d', ms: 30 * dayMs },
] as const

/** Unix ms; `from` is included, `to` is not. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Windows that start at round times, as the API writes them. */
const steps: readonly (readonly [every: string, ms: number])[] = [
  ['1s', 1_000],
  ['5s', 5_000],
  ['10s', 10_000],
  ['30s', 30_000],
  ['1m', minuteMs],
  ['5m', 5 * minuteMs],
  ['10m', 10 * minuteMs],
  ['30m', 30 * minuteMs],
  ['1h', hourMs],
  ['3h', 3 * hourMs],
  ['6h', 6 * hourMs],
  ['1d', dayMs],
  ['7d', 7 * dayMs],
]

/** More than a screen has room for is not asked for; a page of the API has up to 1,000. */
const windowsMax = 720
const spanMsMin = 10_000

/** The shortest window of which the span has no more than 720. */
export function stepFor({ from, to }: Span): { every: string; everyMs: number } {
  const [every, everyMs] = steps.find(([, ms]) => (to - from) / ms <= windowsMax) ?? steps.at(-1)!
  return { every, everyMs }
}

/** The span around the middle, `factor` times as long; not below 10 s. */
export function zoomed({ from, to }: Span, factor: number): Span {
  const half = Math.max(spanMsMin, (to - from) * factor) / 2
  const middle = (from + to) / 2
  return { from: Math.round(middle - half), to: Math.round(middle + half) }
}

/** The span moved by a part of its length. */
export function moved({ from, to }: Span, part: number): Span {
  const by = Math.round((to - from) * part)
  return { from: from + by, to: to + by }
}
