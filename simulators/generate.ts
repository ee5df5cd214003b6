import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { messageOf, TidemarkError } from '../lib/errors.ts'
import { encodeLine, linePrefix, type Precision } from './line-protocol.ts'
import type { Plan, PlannedDevice } from './plan.ts'
import { scheduled } from './schedule.ts'
import type { Reading } from './transmission.ts'

/** `ndjson`: a message a line, as it would be published, with its device and type; `lp`: InfluxDB's line protocol. */
export type GenerateFormat = 'ndjson' | 'lp'

export interface GenerateOptions {
  readonly plan: Plan
  readonly format: GenerateFormat
  /** Of line protocol. */
  readonly precision?: Precision
  /** A path, written anew; or a stream, which is left open. */
  readonly out: string | NodeJS.WritableStream
  readonly signal: AbortSignal
  readonly onProgress?: (progress: { readonly readings: number; readonly share: number }) => void
}

export interface GenerateReport {
  readonly scenario: string
  readonly seed: number
  /** RFC 3339. */
  readonly from: string
  readonly to: string
  readonly devices: number
  readonly faults: number
  readonly faultsLeftOut: number
  readonly readings: number
  /** What is no reading and so has no line: malformed and oversized messages, wrong topics, reconnects, readings without a value. */
  readonly leftOut: number
  readonly seconds: number
}

/** Characters that are written at once. */
const chunkLength = 64 * 1024

/**
 * Writes the readings of a plan in the order in which they would be sent, without a broker. The same plan gives the same
 * bytes. Memory is bounded: a chunk is made when the one before has been taken. Ends early, and well, when the reader of a pipe
 * has gone or the run is interrupted; what is written is whole lines. Rejects with TIDEMARK_OUT_INVALID (exit code 2).
 */
export async function generate(options: GenerateOptions): Promise<GenerateReport> {
  const { plan, out } = options
  const counts = { readings: 0, leftOut: 0 }
  const startedAt = performance.now()
  const source = Readable.from(chunks(options, counts), { objectMode: true, highWaterMark: 1 })
  try {
    if (typeof out !== 'string') await pipeline(source, out, { end: false })
    else await pipeline(source, (await open(out, 'w')).createWriteStream())
  } catch (error) {
    if (!isReaderGone(error)) throw outInvalid(error)
  }
  return {
    scenario: plan.scenario,
    seed: plan.seed,
    from: new Date(plan.startMs).toISOString(),
    to: new Date(plan.endMs).toISOString(),
    devices: plan.devices.length,
    faults: plan.truths.length,
    faultsLeftOut: plan.faultsLeftOut,
    ...counts,
    seconds: (performance.now() - startedAt) / 1000,
  }
}

async function* chunks(
  options: GenerateOptions,
  counts: { readings: number; leftOut: number },
): AsyncGenerator<string> {
  const { plan, signal } = options
  const encode = encoder(options)
  const lengthMs = plan.endMs - plan.startMs
  let chunk = ''
  for (const transmission of scheduled(plan)) {
    const line =
      transmission.kind === 'reading' ? encode(transmission.device, transmission.reading) : undefined
    if (line === undefined) {
      counts.leftOut++
      continue
    }
    counts.readings++
    chunk += `${line}\n`
    if (chunk.length < chunkLength) continue
    yield chunk
    chunk = ''
    options.onProgress?.({ ...counts, share: (transmission.dueMs - plan.startMs) / lengthMs })
    // A pipe takes what it is given at once: without a turn of the loop nobody could interrupt.
    await nextTurn()
    if (signal.aborted) return
  }
  if (chunk !== '') yield chunk
}

/** What all readings of a device share is made once. */
function encoder({
  plan,
  format,
  precision = 'ns',
}: GenerateOptions): (device: string, reading: Reading) => string | undefined {
  const make = format === 'lp' ? linePrefix : jsonPrefix
  const prefixes = new Map(plan.devices.map((device) => [device.id, make(device)]))
  if (format === 'lp') return (device, reading) => encodeLine(prefixes.get(device)!, reading, precision)
  return (device, { ts, seq, values }) =>
    `${prefixes.get(device)}${ts},"seq":${seq},"values":${JSON.stringify(values)}}`
}

function jsonPrefix({ id, type }: PlannedDevice): string {
  return `{"device":${JSON.stringify(id)},"type":${JSON.stringify(type)},"ts":`
}

/** `… | head` has what it wanted. */
function isReaderGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE'
}

function outInvalid(error: unknown): TidemarkError {
  return new TidemarkError('TIDEMARK_OUT_INVALID', messageOf(error), { cause: error, exitCode: 2 })
}
