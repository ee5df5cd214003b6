import { randomAt } from '../../lib/prng.ts'

/** A reading as it comes in: at the wall time `at`, with the time `ts` that its device gives it. Unix ms both. */
export interface Arrival {
  readonly at: number
  readonly device: string
  readonly ts: number
  readonly values: Readonly<Record<string, number | boolean>>
}

export const [minuteMs, hourMs, yearMs] = [60_000, 3_600_000, 365 * 86_400_000]
/** docs/RULES.md and the contract: what is further ahead of the wall clock has quality `future`. */
export const aheadMsMax = 5 * minuteMs

/** What a device's clock says at its nth reading, and the wall time `at`. */
export type DeviceClock = (at: number, n: number) => number

export const rightClock: DeviceClock = (at) => at

/** Clocks that are always wrong by as much. */
export const constantFaults: Readonly<Record<string, number>> = {
  'four minutes ahead': 4 * minuteMs,
  'an hour behind': -hourMs,
  'a year behind': -yearMs,
}

/** Clocks that are wrong for a while, or now and then: from the 100th reading on, that there is something to go wrong. */
export const changingFaults: Readonly<Record<string, DeviceClock>> = {
  'a year ahead': (at) => at + yearMs,
  'once a year ahead': (at, n) => (n === 100 ? at + yearMs : at),
  'once four minutes ahead': (at, n) => (n === 100 ? at + 4 * minuteMs : at),
  'an hour back, as where local time is sent when daylight saving ends': (at, n) =>
    n >= 100 && n < 160 ? at - hourMs : at,
  'an hour ahead, as where local time is sent while daylight saving lasts': (at, n) =>
    n >= 100 && n < 200 ? at + hourMs : at,
  'set back to 2000 by a flat battery, then put right': (at, n) =>
    n >= 100 && n < 130 ? Date.UTC(2000, 0, 1) + n * minuteMs : at,
  'a year behind until it is put right': (at, n) => (n < 100 ? at - yearMs : at),
  'a year ahead until it is put right': (at, n) => (n < 100 ? at + yearMs : at),
  'a year back and forth': (at, n) => at + (n < 100 ? 0 : [0, -yearMs, yearMs, 0, 3 * minuteMs][n % 5]!),
  'anywhere within a year': (at, n) => (n < 100 ? at : at + (2 * randomAt(1, n) - 1) * yearMs),
  'an hour forward with each reading': (at, n) => at - 1_000 * hourMs + n * hourMs,
}

/** `count` readings a minute apart of each device, from `from` on, one device a second after the other: warm in turns, with doors that open. */
export function arrivalsOf(
  from: number,
  count: number,
  clocks: Readonly<Record<string, DeviceClock>>,
): Arrival[] {
  const devices = Object.entries(clocks)
  return Array.from({ length: count }, (_, n) =>
    devices.map(([device, clock], i): Arrival => {
      const at = from + n * minuteMs + i * 1_000
      const noise = randomAt(i + 2, n)
      const temperature = Math.round((6.5 + 3 * Math.sin(n / 9 + i) + noise) * 100) / 100
      return {
        at,
        device,
        ts: Math.floor(clock(at, n)),
        values: { temperature_c: temperature, door_open: noise > 0.7 },
      }
    }),
  ).flat()
}

export function isFuture({ at, ts }: Arrival): boolean {
  return ts > at + aheadMsMax
}

/**
 * The readings that count, by the words of docs/RULES.md ("What is evaluated, and when"): none of quality `future`, and none that is older
 * than the newest one of its device before it minus `waitMs`.
 */
export function countingOf(arrivals: readonly Arrival[], waitMs: number): Arrival[] {
  const newest = new Map<string, number>()
  return arrivals.filter((arrival) => {
    const { device, ts } = arrival
    if (isFuture(arrival)) return false
    const before = newest.get(device) ?? Number.NEGATIVE_INFINITY
    newest.set(device, Math.max(before, ts))
    return ts >= before - waitMs
  })
}
