import { createHistogram } from 'node:perf_hooks'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { deadLetterReasons } from '../../domain/dead-letter.ts'
import type { Value } from '../../domain/profile.ts'
import { readingsOf } from '../../domain/reading-batch.ts'
import { BatchBuilder } from '../../ingest/batch-builder.ts'
import { DeviceTrack, Normaliser } from '../../ingest/normaliser.ts'
import type { Rejection } from '../../ingest/payload.ts'
import { TypeRules } from '../../ingest/type-rules.ts'
import { messageOf } from '../../lib/errors.ts'
import { tellFigures } from '../support/figures.ts'
import { judgesFigures, newSeed, sizeOf } from '../support/promises.ts'
import { hostilePayload, profile } from './hostile-payloads.ts'
import { type ExpectedReading, PayloadOracle } from './payload-oracle.ts'

/** R6: a hostile payload is stored as it was sent or dead-lettered with a reason, and is never an exception. */
const payloadsMax = sizeOf('TIDEMARK_FUZZ_PAYLOADS')
const seed = newSeed()
const messagesPerRun = 50
const receivedAt = 1_760_000_000_000
/** Time of the processor for 99 payloads of 100, each through the whole pure path; the others hold tens of thousands of values, or garbage was collected. */
const payloadMsMax = 1

const device = { id: 'd', type: profile.type, labels: {}, createdAt: '', secretHash: '' }

test(
  `${payloadsMax} hostile payloads: rows that an oracle calculates as well, or a reason that it finds too`,
  () => {
    const reasons = new Map<string, number>()
    let taken = 0
    const cpuMicroseconds = createHistogram()
    const numRuns = Math.ceil(payloadsMax / messagesPerRun)
    const messages = fc.array(hostilePayload, { minLength: messagesPerRun, maxLength: messagesPerRun })
    const check = fc.property(messages, (payloads) => {
      const oracle = new PayloadOracle(profile)
      const run = new Run()
      for (const payload of payloads) {
        const verdict = oracle.judge(payload)
        const cpuBefore = process.cpuUsage()
        const refused = run.give(payload)
        const { user, system } = process.cpuUsage(cpuBefore)
        // At least 1, as a histogram wants.
        cpuMicroseconds.record(user + system + 1)
        if (refused === undefined) taken++
        else reasons.set(refused.reason, (reasons.get(refused.reason) ?? 0) + 1)
        const agrees =
          refused === undefined ? verdict.reasons.size === 0 : verdict.reasons.has(refused.reason)
        if (!agrees)
          throw new Error(`${shown(payload)} gave ${refused?.reason}, expected ${[...verdict.reasons]}`)
        if (refused === undefined) run.expected.push(verdict.readings)
      }
      run.compare()
    })
    // Not `assert`, whose message would hold every byte of every payload of the run.
    const { failed, errorInstance, counterexamplePath } = fc.check(check, {
      numRuns,
      seed,
      endOnFailure: true,
    })
    if (failed) throw new Error(`seed ${seed}, run ${counterexamplePath}: ${messageOf(errorInstance)}`)
    const given = numRuns * messagesPerRun
    const counts = Object.fromEntries([...reasons].sort())
    const p99Ms = cpuMicroseconds.percentile(99) / 1_000
    const p999Ms = cpuMicroseconds.percentile(99.9) / 1_000
    const maxMs = cpuMicroseconds.max / 1_000
    tellFigures({ seed, payloads: given, taken, refused: counts, p99Ms, p999Ms, maxMs })
    if (judgesFigures) expect(p99Ms).toBeLessThanOrEqual(payloadMsMax)
    expect(taken + [...reasons.values()].reduce((sum, n) => sum + n, 0)).toBe(given)
    if (payloadsMax >= 10_000) {
      const ownReasons = deadLetterReasons.filter(
        (r) => r !== 'device.unknown_type' && r !== 'store.rejected',
      )
      expect([...reasons.keys()].sort()).toEqual([...ownReasons].sort())
      expect(taken).toBeGreaterThan(given / 10)
    }
  },
  Math.max(120_000, payloadsMax),
)

/** Messages of one device through the whole pure path. */
class Run {
  readonly expected: (readonly ExpectedReading[])[] = []
  readonly #builder = new BatchBuilder()
  readonly #normaliser = new Normaliser()
  readonly #track = new DeviceTrack(device, new TypeRules(profile, []))

  give(payload: Uint8Array): Rejection | undefined {
    // In the middle of a larger buffer, as the log hands it over.
    const bytes = Buffer.concat([Buffer.from('{"x":'), payload, Buffer.from('}')])
    return this.#normaliser.normalise(this.#track, this.#builder, bytes, 5, bytes.length - 1, receivedAt)
  }

  /** Every point as the oracle has it, each row in its message and marked when it is ahead of the clock. */
  compare(): void {
    const batch = this.#builder.take()
    const readings = [...readingsOf(batch)]
    const points = new Map<string, Value>()
    for (const { time, message, values, future } of readings) {
      if (future !== time > receivedAt + 300_000) throw new Error(`a reading of ${time} is future: ${future}`)
      for (const [metric, value] of Object.entries(values)) points.set(`${metric}@${time}`, value)
      const isOfMessage = this.expected[message]!.some(
        (own) => (own.ts ?? time) === time && sameValues(own.values, values),
      )
      if (!isOfMessage)
        throw new Error(`message ${message} holds no reading ${time} ${JSON.stringify(values)}`)
    }
    const wanted = new Map<string, Value>()
    let lastReceived = receivedAt - 1
    const all = this.expected.flat()
    for (const { ts, values } of all) {
      const time = ts ?? ++lastReceived
      for (const [metric, value] of values) wanted.set(`${metric}@${time}`, value)
    }
    expect(points).toEqual(wanted)
    expect(readings.length + this.#normaliser.repeats).toBe(all.length)
    expect(batch.messages).toBe(this.expected.length)
  }
}

function sameValues(expected: ReadonlyMap<string, Value>, found: Record<string, Value>): boolean {
  const entries = Object.entries(found)
  return entries.length === expected.size && entries.every(([m, v]) => Object.is(expected.get(m), v))
}

function shown(payload: Uint8Array): string {
  return JSON.stringify(Buffer.from(payload).toString().slice(0, 2_000))
}
