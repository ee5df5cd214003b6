import { setImmediate } from 'node:timers/promises'
import type { Device } from '../domain/device.ts'
import {
  isDeviceId,
  isDeviceType,
  isLabelName,
  isMetricName,
  labelValueBytesMax,
  stringValueBytesMax,
} from '../domain/names.ts'
import type { Value } from '../domain/profile.ts'
import { groupedDigits } from '../lib/grouped-digits.ts'
import type { BacktestStep } from '../rules/backtest.ts'
import type { PastReading } from '../rules/past-readings.ts'
import { toPointer } from '../rules/rule-schema.ts'
import type { FieldProblem } from './problem.ts'
import { timeMax, timeMin } from './time.ts'

export interface Samples {
  readonly readings: readonly PastReading[]
  /** As the samples say of them; registered when the first of all came. */
  readonly devices: readonly Device[]
}

/** Samples that are looked at, or handed on, before the thread goes on with other work: it also acknowledges messages. */
const turnMax = 2_000
const devicesMax = 10_000
const problemsMax = 100
const fields: ReadonlySet<string> = new Set(['device', 'type', 'labels', 'ts', 'values'])

/** What samples say of a device. */
interface Told {
  type: string
  typeAt: number
  labels: Readonly<Record<string, string>>
  labelsAt: number
}

/** Readings given with a test of a rule. Type and labels of a device are those of its newest sample that has them. */
export async function readSamples(
  given: readonly unknown[],
  defaultType: string,
): Promise<Samples | { readonly errors: readonly FieldProblem[] }> {
  const errors: FieldProblem[] = []
  const readings: PastReading[] = []
  const told = new Map<string, Told>()
  let first = Number.POSITIVE_INFINITY
  for (const [at, sample] of given.entries()) {
    if (at % turnMax === turnMax - 1) await setImmediate()
    const problems = sampleProblems(sample)
    for (const { path, detail } of problems)
      errors.push({ pointer: toPointer(['samples', at, ...path]), detail })
    if (errors.length >= problemsMax) break
    if (problems.length > 0) continue
    const { device, type, labels, ts, values } = sample as Sample
    if (!told.has(device)) {
      if (told.size === devicesMax)
        return { errors: [{ pointer: toPointer(['samples', at, 'device']), detail: tooManyDevices }] }
      told.set(device, { type: defaultType, typeAt: -1, labels: {}, labelsAt: -1 })
    }
    const known = told.get(device)!
    if (type !== undefined && ts >= known.typeAt) [known.type, known.typeAt] = [type, ts]
    if (labels !== undefined && ts >= known.labelsAt) [known.labels, known.labelsAt] = [labels, ts]
    first = Math.min(first, ts)
    readings.push({ device, time: ts, values: withoutNull(values) })
  }
  if (errors.length > 0) return { errors: errors.slice(0, problemsMax) }
  const createdAt = new Date(Number.isFinite(first) ? first : 0).toISOString()
  return { readings, devices: [...told].map(([id, { type, labels }]) => ({ id, type, labels, createdAt })) }
}

/** Samples as a test takes them: bit by bit, and in order of time when all are there. */
export async function* sampleSteps(readings: readonly PastReading[]): AsyncGenerator<BacktestStep> {
  for (let at = 0; at < readings.length; at += turnMax)
    yield { kind: 'readings', readings: readings.slice(at, at + turnMax) }
  yield { kind: 'evaluate' }
}

interface Sample {
  readonly device: string
  readonly type?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly ts: number
  readonly values: Readonly<Record<string, Value | null>>
}

interface SampleProblem {
  readonly path: readonly string[]
  readonly detail: string
}

const tooManyDevices = `at most ${groupedDigits(devicesMax)} devices`

function sampleProblems(sample: unknown): SampleProblem[] {
  if (!isObject(sample)) return [{ path: [], detail: 'expected {"device", "ts", "values"}' }]
  const problems: SampleProblem[] = []
  const refuse = (path: readonly string[], detail: string) => problems.push({ path, detail })
  for (const field in sample) if (!fields.has(field)) refuse([field], 'unknown field')
  const { device, type, labels, ts, values } = sample
  if (typeof device !== 'string' || !isDeviceId(device)) refuse(['device'], 'expected a device id')
  if (type !== undefined && (typeof type !== 'string' || !isDeviceType(type)))
    refuse(['type'], 'not a device type')
  if (typeof ts !== 'number' || !Number.isInteger(ts) || ts < timeMin || ts > timeMax)
    refuse(['ts'], 'expected Unix milliseconds from 2000-01-01 to 2099-12-31')
  if (labels !== undefined && !isObject(labels)) refuse(['labels'], 'expected an object')
  else {
    for (const [name, value] of Object.entries(labels ?? {})) {
      if (!isLabelName(name)) refuse(['labels', name], 'not a label name')
      else if (typeof value !== 'string' || Buffer.byteLength(value) > labelValueBytesMax)
        refuse(['labels', name], `expected a text of at most ${labelValueBytesMax} bytes`)
    }
  }
  if (!isObject(values)) refuse(['values'], 'expected an object')
  else {
    for (const [metric, value] of Object.entries(values)) {
      if (!isMetricName(metric)) refuse(['values', metric], 'not a metric name')
      else if (value !== null && !isValue(value))
        refuse(
          ['values', metric],
          `expected a number, a boolean or a text of at most ${stringValueBytesMax} bytes`,
        )
    }
  }
  return problems
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isValue(value: unknown): value is Value {
  if (typeof value === 'number') return Number.isFinite(value)
  return (
    typeof value === 'boolean' ||
    (typeof value === 'string' && Buffer.byteLength(value) <= stringValueBytesMax)
  )
}

/** As in a payload: null is no value. */
function withoutNull(values: Sample['values']): PastReading['values'] {
  for (const metric in values) {
    if (values[metric] !== null) continue
    return Object.fromEntries(
      Object.entries(values).filter((entry): entry is [string, Value] => entry[1] !== null),
    )
  }
  return values as PastReading['values']
}
