import type { Value } from '../../domain/profile.ts'
import type { SimulatedDevice } from '../models/model.ts'
import type { Fault } from './fault.ts'

/** placeholder until the faults are merged */
export function sensedValues(
  device: SimulatedDevice,
  _faults: readonly Fault[],
  _seed: number,
  timeMs: number,
): Record<string, Value | null> {
  return device.valuesAt(timeMs)
}
