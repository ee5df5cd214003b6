import type { Value } from './api/types.ts'

/** Text for people, in one place, so that the same thing looks the same on every page. */

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const nothing = '–'

export function count(n: number): string {
  return grouped.format(n)
}

/** Four significant figures, without an exponent where one is not needed. */
export function figure(n: number): string {
  if (Number.isInteger(n)) return grouped.format(n)
  if (Math.abs(n) >= 10_000) return grouped.format(n)
  const magnitude = Math.abs(n)
  if (magnitude < 0.001) return n.toExponential(1)
  return String(Number(n.toPrecision(4)))
}

export function value(v: Value | readonly number[] | undefined | null): string {
  if (v === undefined || v === null) return nothing
  if (typeof v === 'number') return figure(v)
  if (typeof v === 'boolean') return v ? 'yes' : 'no'
  if (typeof v === 'string') return v
  return v.map(figure).join(' … ')
}

/** `0.4 ms`, `12 ms`, `1.3 s` of seconds. */
export function latency(seconds: number | undefined): string {
  if (seconds === undefined) return nothing
  const ms = seconds * 1000
  if (ms < 10) return `${ms.toFixed(1)} ms`
  return ms < 1000 ? `${Math.round(ms)} ms` : `${seconds.toFixed(1)} s`
}

const units: readonly (readonly [ms: number, unit: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
]

/** The two largest units: `3 h 20 min`. */
export function duration(ms: number): string {
  const at = units.findIndex(([size]) => ms >= size)
  if (at === -1) return '0 s'
  const [size, unit] = units[at]!
  const whole = Math.floor(ms / size)
  const next = units[at + 1]
  const rest = next === undefined ? 0 : Math.floor((ms - whole * size) / next[0])
  return rest === 0 || next === undefined ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${next[1]}`
}

/** `12 s ago`, `3 h ago`; one unit, for it changes by itself. A clock a little ahead is now. */
export function age(time: string | null, now: number): string {
  if (time === null) return 'never'
  const ms = now - Date.parse(time)
  if (ms < -5_000) return `in ${oneUnit(-ms)}`
  return ms < 1_000 ? 'now' : `${oneUnit(ms)} ago`
}

function oneUnit(ms: number): string {
  const [size, unit] = units.find(([size]) => ms >= size) ?? units.at(-1)!
  return `${Math.max(1, Math.floor(ms / size))} ${unit}`
}

const sameDay = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})
const otherDay = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
})

/** In the reader's time zone: the time alone today, else with its day. */
export function time(text: string | null, now: number): string {
  if (text === null) return nothing
  const date = new Date(text)
  const isToday = date.toDateString() === new Date(now).toDateString()
  return (isToday ? sameDay : otherDay).format(date)
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`
}
