import type { DeviceRecord } from '../domain/device.ts'
import type { RuleForDevice } from './compile.ts'
import { Instance } from './instance.ts'

/** Steps an instance by the input that is being shown. */
export interface Stepper {
  step(instance: Instance): void
}

/**
 * The rules that compare one metric with limits, in columns: for each the interval within which a value changes nothing. All devices
 * of the same rules share them.
 */
export class RangeColumns {
  readonly metric: string
  readonly rules: readonly RuleForDevice[]
  readonly low: Float64Array
  readonly high: Float64Array

  constructor(metric: string, rules: readonly RuleForDevice[]) {
    this.metric = metric
    this.rules = rules
    this.low = Float64Array.from(rules, ({ range }) => range!.interval.low)
    this.high = Float64Array.from(rules, ({ range }) => range!.interval.high)
  }
}

/** Of a device of which some are more than idle, or have been: its instances, and columns in which what is up has no interval. */
interface Uneasy {
  readonly instances: (Instance | undefined)[]
  readonly low: Float64Array
  readonly high: Float64Array
}

/**
 * The columns as one device has them. A reading is held against all of them without touching an object for each; only where something
 * is up, or comes up, there is an instance, and its interval is empty, so that every reading reaches it. Until then the device has
 * nothing of its own.
 */
export class RangeTable {
  readonly #columns: RangeColumns
  readonly #device: DeviceRecord
  #uneasy: Uneasy | undefined

  /** `instances`: those that have something kept, in the place of their rule. */
  constructor(columns: RangeColumns, device: DeviceRecord, instances: readonly (Instance | undefined)[]) {
    this.#columns = columns
    this.#device = device
    for (const [i, instance] of instances.entries()) {
      if (instance === undefined) continue
      this.#ownColumns().instances[i] = instance
      this.#settle(i)
    }
  }

  get size(): number {
    return this.#columns.rules.length
  }

  /** Those that are more than idle, or have been. */
  instances(): Instance[] {
    return this.#uneasy?.instances.filter((instance) => instance !== undefined) ?? []
  }

  /** Steps each instance that `value` (undefined: a text) may change. */
  judge(value: number | undefined, stepper: Stepper): void {
    const length = this.size
    if (value === undefined) {
      for (let i = 0; i < length; i++) if (this.#isUneasy(i)) this.#step(i, stepper)
      return
    }
    let columns = this.#uneasy ?? this.#columns
    for (let i = 0; i < length; i++) {
      if (value <= columns.high[i]! && value >= columns.low[i]!) continue
      this.#step(i, stepper)
      columns = this.#uneasy!
    }
  }

  #step(i: number, stepper: Stepper): void {
    const { instances } = this.#ownColumns()
    let instance = instances[i]
    if (instance === undefined) {
      instance = new Instance(this.#columns.rules[i]!, this.#device, undefined, Number.NEGATIVE_INFINITY)
      instances[i] = instance
    }
    stepper.step(instance)
    this.#settle(i)
  }

  #ownColumns(): Uneasy {
    const { rules, low, high } = this.#columns
    this.#uneasy ??= {
      instances: new Array(rules.length).fill(undefined),
      low: low.slice(),
      high: high.slice(),
    }
    return this.#uneasy
  }

  #isUneasy(i: number): boolean {
    const instance = this.#uneasy?.instances[i]
    return instance !== undefined && instance.alarm.condition !== 'normal'
  }

  #settle(i: number): void {
    const { low, high } = this.#ownColumns()
    const isUneasy = this.#isUneasy(i)
    low[i] = isUneasy ? Number.POSITIVE_INFINITY : this.#columns.low[i]!
    high[i] = isUneasy ? Number.NEGATIVE_INFINITY : this.#columns.high[i]!
  }
}
