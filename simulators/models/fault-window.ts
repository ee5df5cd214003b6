import { type Fault, isActive } from '../faults/fault.ts'

/** The time of a fault, and how much a register rises during it without the fault. */
export class FaultWindow {
  readonly fault: Fault
  readonly #energyWh: (timeMs: number) => number
  // A register's values at the ends: worked out once, as they lie far from where it is read.
  #atOnsetWh: number | undefined
  #atEndWh: number | undefined

  constructor(fault: Fault, energyWh: (timeMs: number) => number) {
    this.fault = fault
    this.#energyWh = energyWh
  }

  isActive(timeMs: number): boolean {
    return isActive(this.fault, timeMs)
  }

  /** Wh from the onset to `timeMs` or the end, whichever comes first; `nowWh` is the register at `timeMs`. */
  whUntil(timeMs: number, nowWh: number): number {
    const { onsetMs, endMs } = this.fault
    if (timeMs <= onsetMs) return 0
    this.#atOnsetWh ??= this.#energyWh(onsetMs)
    if (timeMs < endMs) return nowWh - this.#atOnsetWh
    this.#atEndWh ??= this.#energyWh(endMs)
    return this.#atEndWh - this.#atOnsetWh
  }
}

/** The first onset or end after `timeMs`; Infinity when there is none. */
export function nextFaultChangeMs(windows: readonly FaultWindow[], timeMs: number): number {
  let nextMs = Number.POSITIVE_INFINITY
  for (const { fault } of windows) {
    if (fault.onsetMs > timeMs) nextMs = Math.min(nextMs, fault.onsetMs)
    if (fault.endMs > timeMs) nextMs = Math.min(nextMs, fault.endMs)
  }
  return nextMs
}

export function faultsOf(faults: readonly Fault[] | undefined, kind: string): readonly Fault[] {
  return (faults ?? []).filter((fault) => fault.kind === kind)
}
