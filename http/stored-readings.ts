import type { Device } from '../domain/device.ts'
import type { BacktestStep } from '../rules/backtest.ts'
import type { PastReading } from '../rules/past-readings.ts'
import type {
  ReadingStore,
  StoredReading,
  TimelinePage,
  TimelinePlace,
  TimelineQuery,
} from '../storage/reading-store.ts'
import { withinTime } from './store-answer.ts'

const pageReadings = 5_000
/** Of all devices in one stretch of time: so many are in memory. */
const stretchReadingsMax = 100_000
const stretchMsFirst = 60_000
const growth = 8
/** Asked for at once: to InfluxDB an answer for all of a fleet takes seconds. */
const devicesAtOnceMax = 250

type Timeline = Pick<ReadingStore, 'timeline'>

/**
 * The stored readings of devices for a test, from `from`, included, to `to`, not included, in order of time: stretch by
 * stretch, whose length follows how many readings one holds.
 */
export async function* storedReadings(
  store: Timeline,
  devices: readonly Device[],
  { from, to }: { from: number; to: number },
): AsyncGenerator<BacktestStep> {
  let lengthMs = stretchMsFirst
  for (let start = from; start < to; ) {
    const end = Math.min(to, start + lengthMs)
    let count = 0
    const isTooMany = () => count > stretchReadingsMax && end - start > 1
    for (let first = 0; first < devices.length; first += devicesAtOnceMax) {
      const group = devices.slice(first, first + devicesAtOnceMax)
      for await (const readings of pagesOf(store, group, start, end)) {
        count += readings.length
        yield { kind: 'readings', readings }
        if (isTooMany()) break
      }
      if (isTooMany()) break
    }
    if (isTooMany()) {
      yield { kind: 'forget' }
      lengthMs = Math.max(1, Math.floor((end - start) / growth))
      continue
    }
    yield { kind: 'evaluate' }
    start = end
    if (count * growth < stretchReadingsMax) lengthMs *= growth
  }
}

async function* pagesOf(
  store: Timeline,
  group: readonly Device[],
  start: number,
  end: number,
): AsyncGenerator<PastReading[]> {
  const devices = group.map(({ id }) => id)
  const types = [...new Set(group.map(({ type }) => type))]
  let at: TimelinePlace | undefined = { time: start, stretchMs: end - start }
  while (at !== undefined) {
    const query: TimelineQuery = { types, devices, from: start, to: end, at, limit: pageReadings }
    const page: TimelinePage = await withinTime(store.timeline(query))
    const readings = page.readings.filter(isEvaluated)
    if (readings.length > 0) yield readings
    at = page.next
  }
}

/** Readings ahead of the clock are stored with a mark, and rules do not see them. */
function isEvaluated({ values }: StoredReading): boolean {
  return !Object.hasOwn(values, 'quality')
}
