import type { TestReading } from '../support/reading-batches.ts'

const minuteMs = 60_000

export interface ReferenceBatch {
  readonly receivedAt: number
  readonly readings: readonly TestReading[]
}

/** A minute of a series as plain numbers. */
export interface ReferenceMinute {
  readonly time: number
  readonly closed: boolean
  readonly values: Readonly<
    Record<string, { count: number; sum: number; mean: number; min: number; max: number }>
  >
}

interface Point {
  readonly device: string
  readonly metric: string
  readonly time: number
  readonly value: number
}

interface Minute {
  points: Point[]
  /** Sites of the devices, as they were when the minute was closed. */
  sites?: Map<string, string>
}

/**
 * What analytics has to say of one type after these batches, from lists of points: each minute has what every device said last in it. A
 * minute is open until readings have come that are two minutes further on; five minutes is how far ahead a reading may be.
 */
export class Reference {
  late = 0
  readonly #minutes = new Map<number, Minute>()
  readonly #sites = new Map<string, string>()
  #newest = Number.NEGATIVE_INFINITY

  constructor(type: string, batches: readonly ReferenceBatch[]) {
    for (const { receivedAt, readings } of batches)
      for (const reading of readings)
        if (reading.type === type && reading.future !== true) this.#add(reading, receivedAt)
  }

  series(metric: string, isBySite: boolean): ReferenceMinute[] {
    return [...this.#minutes]
      .sort(([a], [b]) => a - b)
      .map(([number, minute]) => {
        const sites = minute.sites ?? this.#sites
        const lists = new Map<string, number[]>()
        for (const { device, value } of lastOf(minute.points.filter((point) => point.metric === metric))) {
          const group = isBySite ? sites.get(device) : 'all'
          if (group !== undefined) lists.set(group, [...(lists.get(group) ?? []), value])
        }
        const values = Object.fromEntries(
          [...lists].map(([group, list]) => {
            const sum = list.reduce((total, value) => total + value, 0)
            const [min, max] = [Math.min(...list), Math.max(...list)]
            return [group, { count: list.length, sum, mean: sum / list.length, min, max }]
          }),
        )
        return { time: number * minuteMs, closed: minute.sites !== undefined, values }
      })
      .filter(({ values }) => Object.keys(values).length > 0)
  }

  /** The newest point of each device in the open minutes, highest first. */
  ranked(metric: string): Point[] {
    const open = [...this.#minutes.values()].filter(({ sites }) => sites === undefined)
    const points = open.flatMap(({ points }) => points).filter((point) => point.metric === metric)
    return lastOf(points).sort((a, b) => b.value - a.value || (a.device < b.device ? -1 : 1))
  }

  #add({ device, time, values, tags = [] }: TestReading, receivedAt: number): void {
    const minute = Math.floor(time / minuteMs)
    const received = Math.floor(receivedAt / minuteMs)
    if (minute >= received - 24 * 60) this.#reach(Math.max(Math.min(minute, received), minute - 5))
    if (minute < received - 24 * 60 || minute < this.#newest - 2) {
      this.late++
      return
    }
    const site = tags.find(([name]) => name === 'site')?.[1]
    if (site === undefined) this.#sites.delete(device)
    else this.#sites.set(device, site)
    const own = this.#minutes.get(minute) ?? { points: [] }
    this.#minutes.set(minute, own)
    for (const [metric, value] of Object.entries(values))
      if (typeof value !== 'string') own.points.push({ device, metric, time, value: Number(value) })
  }

  #reach(minute: number): void {
    this.#newest = Math.max(this.#newest, minute)
    for (const [number, own] of this.#minutes)
      if (number < this.#newest - 2) own.sites ??= new Map(this.#sites)
  }
}

/** Of each device the point of the latest time; of one time, the one that came last. */
function lastOf(points: readonly Point[]): Point[] {
  const last = new Map<string, Point>()
  for (const point of points)
    if (point.time >= (last.get(point.device)?.time ?? 0)) last.set(point.device, point)
  return [...last.values()]
}
