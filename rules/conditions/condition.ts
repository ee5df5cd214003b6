import type { DeviceRecord } from '../../domain/device.ts'
import type { Condition } from '../rule.ts'

/** What one value says: the condition is met, it is past `clear` (so an active alarm may end), or neither. */
export const outcomes = { met: 1, between: 0, cleared: -1 } as const
export type Outcome = (typeof outcomes)[keyof typeof outcomes]

/** A condition compiled for one device: its limits resolved. Pure: live, restart and backtest share it. */
export interface CompiledCondition {
  /** Judges a value: the number, or 0/1 of a boolean, or a string. */
  judge(value: number | string): Outcome
  /** The limit that events name. */
  readonly threshold: number | boolean | string | readonly number[]
}

/** One kind of condition: its file exports this, and compile.ts lists it. */
export interface ConditionKind<C extends Condition> {
  readonly metrics: (condition: C) => readonly string[]
  readonly compile: (condition: C, device: DeviceRecord) => CompiledCondition
}
