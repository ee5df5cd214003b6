import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What the packs `electricity` and `indoor-air` must say of the two recordings, calculated from the CSV files without a line
 * of the engine: limits and definitions are written here again, windows are summed up anew for each reading.
 */

export interface RecordedRow {
  /** Unix ms. */
  readonly ts: number
  readonly values: Readonly<Record<string, number>>
}

/** A transition that must come. */
export interface Foretold {
  readonly rule: string
  readonly state: 'raised' | 'cleared'
  readonly time: number
  readonly since: number
}

export type Labels = Readonly<Record<string, string>>

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const weekMs = 7 * 24 * hourMs

const columns = {
  house: {
    file: 'household-power.csv',
    time: 'Datetime',
    metrics: {
      active_power_w: 'Global_active_power',
      reactive_power_var: 'Global_reactive_power',
      voltage_v: 'Voltage',
      current_a: 'Global_intensity',
      sub_metering_1_wh: 'Sub_metering_1',
    },
  },
  room: {
    file: 'room-occupancy.csv',
    time: 'Date',
    metrics: {
      temperature_c: 'Temperature',
      humidity_pct: 'Humidity',
      light_lx: 'Light',
      co2_ppm: 'CO2',
      occupied: 'Occupancy',
    },
  },
} as const

/** The file by plain splitting. Both recordings lie in winter, where Paris and Brussels are at UTC+1. Rows of no value are none. */
export function recordedRows(dir: string, name: keyof typeof columns): RecordedRow[] {
  const { file, time, metrics } = columns[name]
  const [header = '', ...lines] = readFileSync(join(dir, file), 'utf8').trim().split('\n')
  const names = header.replaceAll('"', '').trim().split(',')
  return lines.flatMap((line) => {
    const cells = line.replaceAll('"', '').trim().split(',')
    const cell = (column: string) => cells[names.indexOf(column)] ?? ''
    const values: Record<string, number> = {}
    for (const [metric, column] of Object.entries(metrics)) {
      if (cell(column) === '') continue
      const isKilo = column === 'Global_active_power' || column === 'Global_reactive_power'
      values[metric] = isKilo ? Math.round(Number(cell(column)) * 1000) : Number(cell(column))
    }
    const [date = '', clock = ''] = cell(time).split(' ')
    const day = date.includes('/') ? date.split('/').reverse().join('-') : date
    return Object.keys(values).length === 0 ? [] : [{ ts: Date.parse(`${day}T${clock}+01:00`), values }]
  })
}

type Verdict = 'met' | 'cleared' | 'neither'
interface Judged {
  readonly ts: number
  readonly verdict: Verdict
}

/** The alarm of one rule: begins after `forMs` of nothing but met, ends after `keepForMs` of nothing but cleared. */
function alarms(rule: string, judged: readonly Judged[], forMs: number, keepForMs: number): Foretold[] {
  const said: Foretold[] = []
  let metSince: number | undefined
  let clearedSince: number | undefined
  let isUp = false
  for (const { ts, verdict } of judged) {
    if (!isUp) {
      metSince = verdict === 'met' ? (metSince ?? ts) : undefined
      if (metSince === undefined || ts - metSince < forMs) continue
      said.push({ rule, state: 'raised', time: ts, since: metSince })
      isUp = true
      clearedSince = undefined
    } else {
      clearedSince = verdict === 'cleared' ? (clearedSince ?? ts) : undefined
      if (clearedSince === undefined || ts - clearedSince < keepForMs) continue
      said.push({ rule, state: 'cleared', time: ts, since: metSince! })
      isUp = false
      metSince = undefined
    }
  }
  return said
}

/** Those rows that hold the metric. */
function seriesOf(rows: readonly RecordedRow[], metric: string): { ts: number; value: number }[] {
  return rows.flatMap(({ ts, values }) =>
    values[metric] === undefined ? [] : [{ ts, value: values[metric] }],
  )
}

/** The mean of the readings in (ts − windowMs, ts], or undefined of fewer than `least`. */
function means(rows: readonly RecordedRow[], metric: string, windowMs: number, least: number) {
  const series = seriesOf(rows, metric)
  return series.map(({ ts }, i) => {
    // In whole billionths, so that nothing is lost on the way to a mean that may be the limit itself.
    let billionths = 0n
    let count = 0
    for (let j = i; j >= 0 && series[j]!.ts > ts - windowMs; j--) {
      billionths += BigInt(Math.round(series[j]!.value * 1e9))
      count++
    }
    return { ts, mean: count < least ? undefined : Number(billionths) / 1e9 / count }
  })
}

function meanJudged(
  found: readonly { ts: number; mean: number | undefined }[],
  isOver: (mean: number) => boolean,
): Judged[] {
  return found.map(({ ts, mean }) => ({
    ts,
    verdict: mean === undefined ? 'neither' : isOver(mean) ? 'met' : 'cleared',
  }))
}

const numberOf = (labels: Labels, name: string, otherwise: number) =>
  labels[name] === undefined ? otherwise : Number(labels[name])

function co2Hygiene(rows: readonly RecordedRow[], limit: number): Foretold[] {
  const judged = seriesOf(rows, 'co2_ppm').map(({ ts, value }): Judged => {
    if (value > limit) return { ts, verdict: 'met' }
    return { ts, verdict: value <= limit - 50 ? 'cleared' : 'neither' }
  })
  return alarms(`indoor-air-co2-${limit}`, judged, 10 * minuteMs, 5 * minuteMs)
}

function co2Category(rows: readonly RecordedRow[], labels: Labels): Foretold[] {
  const step = { I: 550, II: 800, III: 1350 }[labels.iaq_category ?? '']
  if (step === undefined) return []
  const limit = numberOf(labels, 'outdoor_co2_ppm', 420) + step
  const judged = seriesOf(rows, 'co2_ppm').map(
    ({ ts, value }): Judged => ({ ts, verdict: value > limit ? 'met' : 'cleared' }),
  )
  const rule = `indoor-air-co2-category-${labels.iaq_category!.toLowerCase()}`
  return alarms(rule, judged, 15 * minuteMs, 15 * minuteMs)
}

function dayMean(rows: readonly RecordedRow[], rule: string, metric: string, limit: number): Foretold[] {
  const judged = meanJudged(means(rows, metric, 24 * hourMs, 1080), (mean) => mean > limit)
  return alarms(rule, judged, 0, 6 * hourMs)
}

/** The share of the last week in which the mean of ten minutes was outside, above 5 %. */
function voltageWeek(found: ReturnType<typeof means>, low: number, high: number): Foretold[] {
  const outside = meanJudged(found, (mean) => mean < low || mean > high)
  const stretches: { from: number; to: number | undefined }[] = []
  const judged = outside.map(({ ts, verdict }): Judged => {
    const last = stretches.at(-1)
    const isOpen = last !== undefined && last.to === undefined
    if (verdict === 'met' && !isOpen) stretches.push({ from: ts, to: undefined })
    if (verdict === 'cleared' && isOpen) last.to = ts
    let heldMs = 0
    for (const { from, to = ts } of stretches) heldMs += Math.max(0, to - Math.max(from, ts - weekMs))
    return { ts, verdict: heldMs / weekMs > 0.05 ? 'met' : 'cleared' }
  })
  return alarms('electricity-voltage-week', judged, 0, 0)
}

function powerFactor(rows: readonly RecordedRow[], labels: Labels): Foretold[] {
  const load = numberOf(labels, 'power_factor_load_w', 1000)
  const judged = rows.flatMap(({ ts, values }): Judged[] => {
    const { active_power_w: p, reactive_power_var: q } = values
    if (p === undefined || q === undefined) return []
    return [{ ts, verdict: p > load && p / Math.hypot(p, q) < 0.9 ? 'met' : 'cleared' }]
  })
  return alarms('electricity-power-factor', judged, 15 * minuteMs, 15 * minuteMs)
}

function electricity(rows: readonly RecordedRow[], labels: Labels): Foretold[] {
  const high = numberOf(labels, 'voltage_high_v', 253)
  const low = numberOf(labels, 'voltage_low_v', 195.5)
  const found = means(rows, 'voltage_v', 10 * minuteMs, 8)
  const above = meanJudged(found, (mean) => mean > high)
  const below = meanJudged(found, (mean) => mean < low)
  return [
    ...alarms('electricity-voltage-high', above, 0, 10 * minuteMs),
    ...alarms('electricity-voltage-low', below, 0, 10 * minuteMs),
    ...voltageWeek(found, numberOf(labels, 'voltage_week_low_v', 207), high),
    ...powerFactor(rows, labels),
  ]
}

function indoorAir(rows: readonly RecordedRow[], labels: Labels): Foretold[] {
  return [
    ...co2Hygiene(rows, 1000),
    ...co2Hygiene(rows, 2000),
    ...co2Category(rows, labels),
    ...dayMean(rows, 'indoor-air-humidity-24h', 'humidity_pct', 70),
  ]
}

/**
 * All that a pack must say of a device that sends `rows` and has `labels`, in order of time, then of rule. Rules whose metrics the
 * recordings do not hold (frequency, phases, registers, particles) can say nothing and have no calculation.
 */
export function foretell(
  pack: 'electricity' | 'indoor-air',
  rows: readonly RecordedRow[],
  labels: Labels = {},
): Foretold[] {
  return inOrder(pack === 'electricity' ? electricity(rows, labels) : indoorAir(rows, labels))
}

/** By time, then rule; of one rule a raise and its end never have the same time here. */
export function inOrder(said: readonly Foretold[]): Foretold[] {
  return [...said].sort((a, b) => a.time - b.time || (a.rule < b.rule ? -1 : 1))
}
