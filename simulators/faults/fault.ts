/** What goes wrong: in the thing that is measured, in the sensor, or on the way. */
export type FaultClass = 'process' | 'sensor' | 'transport'

/** One thing that goes wrong with one device, for a time. All randomness is decided: a fault is the same for everybody who sees it. */
export interface Fault {
  /** Unique in its run, `water_leak-1`. */
  readonly id: string
  readonly device: string
  /** One of `faultKinds`. */
  readonly kind: string
  readonly class: FaultClass
  /** How strong, where 1 is what docs/SIMULATOR.md says of the kind. */
  readonly severity: number
  /** Unix ms; it acts from `onsetMs`, included, to `endMs`, not included. */
  readonly onsetMs: number
  readonly endMs: number
  /** Of a sensor fault: the metric that it acts on. */
  readonly metric?: string
  /** What the kind takes, with its defaults filled in; see `faultKinds`. */
  readonly parameters: Readonly<Record<string, number>>
}

/** When a process fault shows, by the physics of its model and not by any rule. */
export interface Consequence {
  /** The earliest time at which anybody who knows the device could see it, Unix ms. */
  readonly detectableFromMs: number
  /** When what it harms has failed: the bearing seized, the fridge above 8 °C. */
  readonly failureMs?: number
  /** By when somebody should have been warned, where that is earlier than the failure. */
  readonly warnByMs?: number
}

export function isActive(fault: Fault, timeMs: number): boolean {
  return timeMs >= fault.onsetMs && timeMs < fault.endMs
}
