import type { Fault } from '../../../simulators/faults/fault.ts'
import { faultKinds } from '../../../simulators/faults/fault-kinds.ts'

/** A fault of device `d` as a scenario decides it: parameters of its kind are filled in. */
export function faultOf(
  kind: string,
  onsetMs: number,
  lastsMs: number,
  { severity = 1, parameters = {} }: { severity?: number; parameters?: Record<string, number> } = {},
): Fault {
  const defaults = Object.entries(faultKinds[kind]!.parameters).map(([name, { default: of }]) => [name, of])
  return {
    id: `${kind}-1`,
    device: 'd',
    kind,
    class: 'process',
    severity,
    onsetMs,
    endMs: onsetMs + lastsMs,
    parameters: { ...Object.fromEntries(defaults), ...parameters },
  }
}
