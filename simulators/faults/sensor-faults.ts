import type { MetricKind, MetricProfile, Value } from '../../domain/profile.ts'
import { shippedProfiles } from '../../domain/shipped-profiles.ts'
import { normalAt, randomAt } from '../../lib/prng.ts'
import { dayMs, round, type SimulatedDevice, signalKey } from '../models/model.ts'
import { type Fault, isActive } from './fault.ts'

/** A device whose readings pass through its sensor faults; `null` is a value that is not given. */
export type SensorReading = Readonly<Record<string, Value | null>>

/** One value of one metric, on its way through the faults of its sensor. */
interface Sensing {
  readonly device: SimulatedDevice
  readonly faults: readonly Fault[]
  readonly seed: number
  readonly metric: string
}

/**
 * What the sensors of `device` show at `timeMs`: its values, through the sensor faults among `faults` in the order given.
 * A function of its arguments alone. What a fault makes of a number stays within the range that the shipped profile of the
 * device's type gives the metric, as a sensor cannot show more; the platform refuses a reading with a value outside it.
 */
export function sensedValues(
  device: SimulatedDevice,
  faults: readonly Fault[],
  seed: number,
  timeMs: number,
): SensorReading {
  const values = device.valuesAt(timeMs)
  const ofSensors = faults.filter((fault) => fault.class === 'sensor')
  if (!ofSensors.some((fault) => isActive(fault, timeMs))) return values
  return Object.fromEntries(
    Object.entries(values).map(([metric, value]) => {
      const acting = ofSensors.filter((fault) => actsOn(fault, device.type, metric))
      return [metric, sensed({ device, faults: acting, seed, metric }, value, timeMs)]
    }),
  )
}

function sensed(sensing: Sensing, value: Value, timeMs: number): Value | null {
  const { faults, device, metric } = sensing
  let shown: Value | null = value
  for (const [i, fault] of faults.entries()) {
    if (shown === null) return null
    if (!isActive(fault, timeMs)) continue
    const atOnset = () => shownAtOnset({ ...sensing, faults: faults.slice(0, i) }, fault.onsetMs)
    if (fault.kind === 'null') shown = isDrawn(sensing, fault, timeMs) ? null : shown
    else if (fault.kind === 'stuck_at') {
      const stuck = atOnset()
      if (stuck !== undefined) shown = stuck
    } else if (typeof shown === 'number') {
      const number = fault.kind === 'counter_reset' ? shown - Number(atOnset() ?? 0) : shown
      const faulty = faultyNumber(sensing, fault, number, timeMs)
      if (faulty !== shown) shown = inRange(device.type, metric, faulty)
    }
  }
  return shown
}

/** What the kinds make of a number `value`. `counter_reset` has taken the register of the onset away already. */
function faultyNumber(sensing: Sensing, fault: Fault, value: number, timeMs: number): number {
  const { severity } = fault
  const parameter = (name: string) => fault.parameters[name] ?? 0
  switch (fault.kind) {
    case 'spike': {
      const magnitude = parameter('magnitude') * severity
      if (!isDrawn(sensing, fault, timeMs)) return value
      return value === 0 ? magnitude : value * magnitude
    }
    case 'dip':
      return isDrawn(sensing, fault, timeMs) ? 0 : value
    case 'drift':
      return value + (parameter('per_day') * severity * (timeMs - fault.onsetMs)) / dayMs
    case 'bias':
      return value + parameter('offset') * severity
    case 'noise': {
      const sd = parameter('sd') + parameter('relative_sd') * Math.abs(value)
      return value + normalAt(drawKey(sensing, fault), timeMs) * sd * severity
    }
    case 'quantise': {
      const step = parameter('step') * severity
      return step > 0 ? Math.round(value / step) * step : value
    }
    case 'saturate':
      return Math.min(Math.max(value, parameter('low')), parameter('high'))
    case 'unit_error':
      return value * parameter('factor') + parameter('offset')
    case 'counter_reset':
      return Math.max(0, value)
    case 'counter_rollover': {
      const modulus = parameter('modulus')
      return modulus > 0 ? value % modulus : value
    }
    default:
      throw new Error(`${fault.kind} is not a fault of a sensor`)
  }
}

/** Of every reading, metric and fault a draw of its own. */
function isDrawn(sensing: Sensing, fault: Fault, timeMs: number): boolean {
  return randomAt(drawKey(sensing, fault), timeMs) < (fault.parameters.probability ?? 0)
}

function drawKey({ seed, device, metric }: Sensing, fault: Fault): number {
  return signalKey(seed, device.id, `${fault.id}/${metric}`)
}

/** True values at onsets, which are asked for with every reading: for most models a look back is dear. */
const truthAtOnsets = new WeakMap<SimulatedDevice, Map<number, Readonly<Record<string, Value>>>>()

/** What the faults before it made of the value at the onset of a fault; undefined where the device gave none then. */
function shownAtOnset(sensing: Sensing, onsetMs: number): Value | null | undefined {
  const { device, metric } = sensing
  const truths = truthAtOnsets.get(device) ?? new Map<number, Readonly<Record<string, Value>>>()
  truthAtOnsets.set(device, truths)
  const values = truths.get(onsetMs) ?? device.valuesAt(onsetMs)
  truths.set(onsetMs, values)
  const value = values[metric]
  return value === undefined ? undefined : sensed(sensing, value, onsetMs)
}

const shippedMetrics: ReadonlyMap<string, Readonly<Record<string, MetricProfile>>> = new Map(
  shippedProfiles.map(({ type, metrics }) => [type, metrics]),
)

/** The metric that the fault names; without one, every gauge (of faults of counters: counter) of the type's shipped profile. */
function actsOn(fault: Fault, type: string, metric: string): boolean {
  if (fault.metric !== undefined) return fault.metric === metric
  const kind: MetricKind = fault.kind.startsWith('counter_') ? 'counter' : 'gauge'
  return shippedMetrics.get(type)?.[metric]?.kind === kind
}

function inRange(type: string, metric: string, value: number): number {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } =
    shippedMetrics.get(type)?.[metric] ?? {}
  return Math.min(Math.max(round(value, 6), min), max)
}
