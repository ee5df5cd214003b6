import type { MetricKind, MetricProfile, Value } from '../../domain/profile.ts'
import { shippedProfiles } from '../../domain/shipped-profiles.ts'
import { normalAt, randomAt } from '../../lib/prng.ts'
import { dayMs, round, type SimulatedDevice, signalKey } from '../models/model.ts'
import { type Fault, isActive } from './fault.ts'

/** A device whose readings pass through its sensor faults; `null` is a value that is not given. */
export type SensorReading = Readonly<Record<string, Value | null>>

/**
 * What the sensors of `device` show at `timeMs`: its values, through the sensor faults among `faults` in the order given.
 * A function of its arguments alone; it is fastest when a device is asked for with the same list each time. What a fault
 * makes of a number stays within the range that the shipped profile of the device's type gives the metric: a sensor cannot
 * show more, and the platform refuses a reading with a value outside it.
 */
export function sensedValues(
  device: SimulatedDevice,
  faults: readonly Fault[],
  seed: number,
  timeMs: number,
): SensorReading {
  const values = device.valuesAt(timeMs)
  if (!faults.some((fault) => fault.class === 'sensor' && isActive(fault, timeMs))) return values
  const sensors = sensorsOf(device, faults, seed)
  const shown: Record<string, Value | null> = {}
  for (const metric in values) shown[metric] = sensed(sensors, metric, values[metric]!, timeMs)
  return shown
}

/** A fault that acts on a metric, and the key of its draws there: of every device, fault and metric a stream of its own. */
interface Acting {
  readonly fault: Fault
  readonly key: number
}

interface Sensors {
  readonly device: SimulatedDevice
  readonly faults: readonly Fault[]
  readonly seed: number
  readonly acting: Map<string, readonly Acting[]>
  /** True values at onsets, which are asked for with every reading: for most models a look back is dear. */
  readonly truthAt: Map<number, Readonly<Record<string, Value>>>
}

const worked = new WeakMap<SimulatedDevice, Sensors>()

function sensorsOf(device: SimulatedDevice, faults: readonly Fault[], seed: number): Sensors {
  const last = worked.get(device)
  if (last?.faults === faults && last.seed === seed) return last
  const sensors = { device, faults, seed, acting: new Map(), truthAt: last?.truthAt ?? new Map() }
  worked.set(device, sensors)
  return sensors
}

function actingOn({ device, faults, seed, acting }: Sensors, metric: string): readonly Acting[] {
  let found = acting.get(metric)
  if (found === undefined) {
    found = faults
      .filter((fault) => fault.class === 'sensor' && actsOn(fault, device.type, metric))
      .map((fault) => ({ fault, key: signalKey(seed, device.id, `${fault.id}/${metric}`) }))
    acting.set(metric, found)
  }
  return found
}

/** What the first `count` faults of a metric make of its true value. */
function sensed(
  sensors: Sensors,
  metric: string,
  value: Value,
  timeMs: number,
  count = Number.POSITIVE_INFINITY,
): Value | null {
  const acting = actingOn(sensors, metric)
  let shown: Value = value
  for (let i = 0; i < acting.length && i < count; i++) {
    const { fault, key } = acting[i]!
    if (!isActive(fault, timeMs)) continue
    if (fault.kind === 'null') {
      if (isDrawn(fault, key, timeMs)) return null
    } else if (fault.kind === 'stuck_at') {
      const stuck = shownAtOnset(sensors, metric, fault, i)
      if (stuck === null) return null
      if (stuck !== undefined) shown = stuck
    } else if (typeof shown === 'number') {
      // A register that has begun again shows what came since.
      const from = fault.kind === 'counter_reset' ? Number(shownAtOnset(sensors, metric, fault, i) ?? 0) : 0
      const faulty = faultyNumber(fault, key, shown - from, timeMs)
      if (faulty !== shown) shown = inRange(sensors.device.type, metric, faulty)
    }
  }
  return shown
}

/** What the faults before it made of the value at the onset of a fault; undefined where the device gave none then. */
function shownAtOnset(
  sensors: Sensors,
  metric: string,
  { onsetMs }: Fault,
  faultsBefore: number,
): Value | null | undefined {
  let values = sensors.truthAt.get(onsetMs)
  if (values === undefined) {
    values = sensors.device.valuesAt(onsetMs)
    sensors.truthAt.set(onsetMs, values)
  }
  const value = values[metric]
  return value === undefined ? undefined : sensed(sensors, metric, value, onsetMs, faultsBefore)
}

function faultyNumber(fault: Fault, key: number, value: number, timeMs: number): number {
  const { severity, parameters } = fault
  const parameter = (name: string) => parameters[name] ?? 0
  switch (fault.kind) {
    case 'spike': {
      const magnitude = parameter('magnitude') * severity
      if (!isDrawn(fault, key, timeMs)) return value
      return value === 0 ? magnitude : value * magnitude
    }
    case 'dip':
      return isDrawn(fault, key, timeMs) ? 0 : value
    case 'drift':
      return value + (parameter('per_day') * severity * (timeMs - fault.onsetMs)) / dayMs
    case 'bias':
      return value + parameter('offset') * severity
    case 'noise': {
      const sd = parameter('sd') + parameter('relative_sd') * Math.abs(value)
      return value + normalAt(key, timeMs) * sd * severity
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

function isDrawn({ parameters }: Fault, key: number, timeMs: number): boolean {
  return randomAt(key, timeMs) < (parameters.probability ?? 0)
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
