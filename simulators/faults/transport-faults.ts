import type { Reading, Transmission } from '../transmission.ts'
import type { Fault } from './fault.ts'

/** placeholder until the faults are merged */
export function* transmissions(
  device: string,
  readings: Iterable<{ dueMs: number; reading: Reading }>,
  _faults: readonly Fault[],
  _options: { seed: number; intervalMs: number },
): Generator<Transmission> {
  for (const { dueMs, reading } of readings) yield { kind: 'reading', device, dueMs, reading }
}
