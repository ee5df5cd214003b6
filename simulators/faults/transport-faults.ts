import { hash32, randomAt } from '../../lib/prng.ts'
import { endMs, epochMs, signalKey } from '../models/model.ts'
import type { Reading, Transmission } from '../transmission.ts'
import { DueQueue } from './due-queue.ts'
import { type Fault, isActive } from './fault.ts'
import { malformedPayload } from './malformed-payload.ts'

export interface TransmissionOptions {
  readonly seed: number
  /** Usual time between two readings of the device. */
  readonly intervalMs: number
}

interface DueReading {
  /** Virtual time at which the device means to send it, Unix ms. */
  readonly dueMs: number
  readonly reading: Reading
}

/** A reading comes after its successor when it is sent so many usual intervals late. */
const reorderIntervals = 1.5

/**
 * What the device does on its connection, in rising order of `dueMs`. `readings` come in rising order of `dueMs`, lazily,
 * possibly without end; what is sent later than it was due is kept until then, in a gap no longer than the gap. Faults act
 * by `dueMs`; their draws are functions of (seed, device, id of the fault, `seq`). All of them act together: first on what
 * a reading says, then whether and when it is sent; a gap holds back or loses whatever would be sent in it. A reading
 * without any value is not sent, as nothing of it could be found again.
 */
export function* transmissions(
  device: string,
  readings: Iterable<DueReading>,
  faults: readonly Fault[],
  options: TransmissionOptions,
): Generator<Transmission> {
  const link = new Link(device, faults, options)
  const queue = new DueQueue()
  let beforeMs: number | undefined
  for (const due of readings) {
    for (const reconnect of link.reconnects(beforeMs ?? due.dueMs - 1, due.dueMs)) {
      queue.add(reconnect, reconnect.dueMs)
    }
    for (const meant of link.attempts(due)) {
      const dueMs = link.sentMs(meant.dueMs)
      if (dueMs !== undefined) queue.add({ ...meant, dueMs }, meant.dueMs)
    }
    beforeMs = due.dueMs
    // What later readings bring is due later, or together with this one and after it.
    yield* queue.dueBefore(due.dueMs + 1)
  }
  yield* queue.dueBefore(Number.POSITIVE_INFINITY)
}

/** The transport faults of one device. What it returns has `dueMs` as if there were no gap. */
class Link {
  readonly #device: string
  readonly #options: TransmissionOptions
  readonly #faults: readonly Fault[]
  readonly #keys: ReadonlyMap<Fault, number>

  constructor(device: string, faults: readonly Fault[], options: TransmissionOptions) {
    this.#device = device
    this.#options = options
    this.#faults = faults.filter((fault) => fault.class === 'transport')
    this.#keys = new Map(
      this.#faults.map((fault) => [fault, signalKey(options.seed, device, fault.id)] as const),
    )
  }

  /** What the device would send at and after `dueMs` because of one reading. */
  attempts({ dueMs, reading }: DueReading): Transmission[] {
    const active = this.#faults.filter((fault) => isActive(fault, dueMs))
    const sent: Transmission[] = []
    const said = this.#said(reading, active)
    const isDropped = active.some(
      (fault) => fault.kind === 'drop' && this.#isDrawn(fault, batchOf(fault, reading)),
    )
    if (said !== undefined && !isDropped) {
      const meantMs = dueMs + this.#delayMs(reading, active)
      sent.push({ ...said, dueMs: meantMs })
      for (const fault of active) {
        if (fault.kind !== 'duplicate' || !this.#isDrawn(fault, reading.seq)) continue
        const afterMs = Math.floor(this.#draw(fault, reading.seq, 'after') * this.#options.intervalMs)
        sent.push({ ...said, dueMs: meantMs + afterMs })
      }
    }
    for (const fault of active) {
      if (!nuisances.has(fault.kind) || !this.#isDrawn(fault, reading.seq)) continue
      sent.push(this.#nuisance(fault, dueMs, reading))
    }
    return sent
  }

  /** When what is meant for `meantMs` leaves: at the end of a gap, or never. */
  sentMs(meantMs: number): number | undefined {
    let sentMs = meantMs
    for (;;) {
      const gap = this.#faults.find((fault) => fault.kind === 'gap' && isActive(fault, sentMs))
      if (gap === undefined) return sentMs
      if (gap.parameters.lost === 1 || gap.endMs === Number.POSITIVE_INFINITY) return undefined
      sentMs = gap.endMs
    }
  }

  /** Losses of the connection after `afterMs`, to `toMs`; in a gap there is none to lose. */
  *reconnects(afterMs: number, toMs: number): Generator<Transmission> {
    for (const fault of this.#faults) {
      const everyMs = (fault.parameters.every_s ?? 0) * 1_000
      if (fault.kind !== 'reconnect_storm' || everyMs < 1) continue
      const past = Math.max(0, Math.floor((afterMs - fault.onsetMs) / everyMs) + 1)
      for (let nth = past; ; nth++) {
        const dueMs = Math.round(fault.onsetMs + nth * everyMs)
        if (dueMs > toMs || !isActive(fault, dueMs)) break
        if (this.sentMs(dueMs) === dueMs) yield { device: this.#device, dueMs, kind: 'reconnect' }
      }
    }
  }

  /** The reading as the device gives it, by its clock; undefined when nothing of it is left. */
  #said(reading: Reading, active: readonly Fault[]): Transmission | undefined {
    let { ts, values } = reading
    for (const fault of active) {
      if (fault.kind === 'field_missing') {
        const left = Object.entries(values).filter(([name]) => !this.#isDrawn(fault, reading.seq, name))
        values = Object.fromEntries(left)
      } else if (fault.kind in clocks && this.#isDrawn(fault, reading.seq))
        ts = clocks[fault.kind]!(ts, fault)
    }
    if (Object.values(values).every((value) => value === null)) return undefined
    const { seq } = reading
    const common = { device: this.#device, dueMs: 0 }
    if (ts >= epochMs && ts < endMs) {
      const isAsGiven = ts === reading.ts && values === reading.values
      return { ...common, kind: 'reading', reading: isAsGiven ? reading : { seq, ts, values } }
    }
    return {
      ...common,
      kind: 'malformed',
      seq,
      payload: JSON.stringify({ ts, seq, values }),
      reason: 'ts.invalid',
    }
  }

  #delayMs({ seq }: Reading, active: readonly Fault[]): number {
    const { intervalMs } = this.#options
    let delayMs = 0
    for (const fault of active) {
      if (fault.kind === 'late' && this.#isDrawn(fault, seq)) {
        const mostMs = (fault.parameters.intervals ?? 0) * intervalMs
        delayMs += Math.ceil((1 - this.#draw(fault, seq, 'by')) * mostMs)
      } else if (fault.kind === 'reorder' && this.#isDrawn(fault, seq)) {
        delayMs += Math.ceil(reorderIntervals * intervalMs)
      }
    }
    return delayMs
  }

  #nuisance(fault: Fault, dueMs: number, reading: Reading): Transmission {
    const device = this.#device
    if (fault.kind === 'oversize')
      return { device, dueMs, kind: 'oversize', bytes: fault.parameters.bytes ?? 0 }
    const draw = this.#draw(fault, reading.seq, 'way')
    if (fault.kind === 'malformed') {
      return { device, dueMs, kind: 'malformed', seq: reading.seq, ...malformedPayload(reading, draw) }
    }
    const topics = forbiddenTopics(device)
    const topic = topics[Math.floor(draw * topics.length)]!
    return { device, dueMs, kind: 'wrong-topic', topic, payload: JSON.stringify(reading) }
  }

  /** Without a probability it always is. */
  #isDrawn(fault: Fault, index: number, purpose = ''): boolean {
    const { probability = 1 } = fault.parameters
    return probability >= 1 || this.#draw(fault, index, purpose) < probability
  }

  #draw(fault: Fault, index: number, purpose: string): number {
    const key = this.#keys.get(fault)!
    return randomAt(purpose === '' ? key : key ^ hash32(purpose), index)
  }
}

const nuisances: ReadonlySet<string> = new Set(['malformed', 'oversize', 'wrong_topic'])

/** What the kinds make of a time, Unix ms. */
const clocks: Readonly<Record<string, (ts: number, fault: Fault) => number>> = {
  clock_skew: (ts, { parameters, severity }) =>
    Math.round(ts + (parameters.offset_s ?? 0) * severity * 1_000),
  clock_future: (ts, { parameters }) => Math.round(ts + (parameters.offset_s ?? 0) * 1_000),
  clock_1970: (ts, { onsetMs }) => ts - onsetMs,
}

/** Readings that are dropped together have the same index. */
function batchOf(fault: Fault, { seq }: Reading): number {
  return Math.floor(seq / Math.max(1, fault.parameters.run ?? 1))
}

/** Topics that a device may not use, by contract.md. */
function forbiddenTopics(device: string): readonly string[] {
  return [
    `devices/not-${device}/telemetry`,
    `devices/${device}/readings`,
    `events/health/${device}`,
    'telemetry',
  ]
}
