import type { Fault } from '../../../simulators/faults/fault.ts'
import { faultKinds } from '../../../simulators/faults/fault-kinds.ts'

export const startMs = Date.UTC(2026, 8, 14)
export const minuteMs = 60_000

/** A fault of device `a` with the defaults of its kind; without times it acts always. */
export function someFault(
  kind: string,
  parameters: Record<string, number> = {},
  more: Partial<Fault> = {},
): Fault {
  const { class: faultClass, parameters: taken } = faultKinds[kind]!
  const defaults = Object.fromEntries(Object.entries(taken).map(([name, { default: of }]) => [name, of]))
  return {
    id: `${kind}-1`,
    device: 'a',
    kind,
    class: faultClass,
    severity: 1,
    onsetMs: Date.UTC(2000, 0, 1),
    endMs: Number.POSITIVE_INFINITY,
    parameters: { ...defaults, ...parameters },
    ...more,
  }
}
