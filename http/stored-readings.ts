import type { Device } from '../domain/device.ts'
import type { BacktestStep } from '../rules/backtest.ts'
import type { PastReading } from '../rules/past-readings.ts'
import type { ReadingStore, StoredReading } from '../storage/reading-store.ts'
import { withinTime } from './store-answer.ts'

const pageReadings = 5_000
/** Of all devices in one stretch of time: so many are in memory. */
const stretchReadingsMax = 100_000
const stretchMsFirst = 60_000
const growth = 8

type Readings = Pick<ReadingStore, 'readings'>

/**
 * The stored readings of devices for a test, from `from`, included, to `to`, not included, in order of time: stretch by
 * stretch, whose length follows how many readings one holds.
 */
export async function* storedReadings(
  store: Readings,
  devices: readonly Device[],
  { from, to }: { from: number; to: number },
): AsyncGenerator<BacktestStep> {
  let lengthMs = stretchMsFirst
  for (let start = from; start < to; ) {
    const end = Math.min(to, start + lengthMs)
    let count = 0
    const isTooMany = () => count > stretchReadingsMax && end - start > 1
    for (const device of devices) {
      for await (const readings of pagesOf(store, device, start, end)) {
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
  store: Readings,
  { id, type }: Device,
  start: number,
  end: number,
): AsyncGenerator<PastReading[]> {
  for (let from = start; from < end; ) {
    const query = { device: id, type, metrics: [], from, to: end, limit: pageReadings }
    const page = await withinTime(store.readings(query))
    const readings = page.filter(isEvaluated).map(({ time, values }) => ({ device: id, time, values }))
    if (readings.length > 0) yield readings
    if (page.length < pageReadings) return
    from = page.at(-1)!.time + 1
  }
}

/** Readings ahead of the clock are stored with a mark, and rules do not see them. */
function isEvaluated({ values }: StoredReading): boolean {
  return !Object.hasOwn(values, 'quality')
}
