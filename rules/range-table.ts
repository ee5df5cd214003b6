import type { DeviceRecord } from '../domain/device.ts'
import type { RuleForDevice } from './compile.ts'
import type { QuietInterval } from './conditions/threshold.ts'
import { Instance } from './instance.ts'

/** Steps an instance by the input that is being shown. */
export interface Stepper {
  step(instance: Instance): void
}

/**
 * The rules that compare one metric of one device with limits, in columns: for each the interval within which a value
 * changes nothing. A reading is held against all of them without touching an object for each; only where something is up, or
 * comes up, there is an instance, and its interval is empty, so that every reading reaches it. An idle pair of rule and
 * device costs 24 bytes.
 */
export class RangeTable {
  readonly metric: string
  readonly #device: DeviceRecord
  readonly #rules: readonly RuleForDevice[]
  readonly #low: Float64Array
  readonly #high: Float64Array
  readonly #instances: (Instance | undefined)[]

  /** `instances`: those that have something kept, in the place of their rule. */
  constructor(
    metric: string,
    device: DeviceRecord,
    rules: readonly RuleForDevice[],
    instances: (Instance | undefined)[],
  ) {
    this.metric = metric
    this.#device = device
    this.#rules = rules
    this.#instances = instances
    this.#low = new Float64Array(rules.length)
    this.#high = new Float64Array(rules.length)
    for (let i = 0; i < rules.length; i++) this.#settle(i)
  }

  get size(): number {
    return this.#rules.length
  }

  /** Those that are more than idle, or have been. */
  instances(): Instance[] {
    return this.#instances.filter((instance) => instance !== undefined)
  }

  /** Steps each instance that `value` (undefined: a text) may change. */
  judge(value: number | undefined, stepper: Stepper): void {
    const [low, high] = [this.#low, this.#high]
    const length = low.length
    if (value === undefined) {
      for (let i = 0; i < length; i++) if (this.#isUneasy(i)) this.#step(i, stepper)
      return
    }
    for (let i = 0; i < length; i++) {
      if (value <= high[i]! && value >= low[i]!) continue
      this.#step(i, stepper)
    }
  }

  #step(i: number, stepper: Stepper): void {
    let instance = this.#instances[i]
    if (instance === undefined) {
      instance = new Instance(this.#rules[i]!, this.#device, undefined, Number.NEGATIVE_INFINITY)
      this.#instances[i] = instance
    }
    stepper.step(instance)
    this.#settle(i)
  }

  #isUneasy(i: number): boolean {
    return this.#instances[i] !== undefined && this.#instances[i]!.state.condition !== 'normal'
  }

  #settle(i: number): void {
    const isUneasy = this.#isUneasy(i)
    const interval: QuietInterval = this.#rules[i]!.range!.interval
    this.#low[i] = isUneasy ? Number.POSITIVE_INFINITY : interval.low
    this.#high[i] = isUneasy ? Number.NEGATIVE_INFINITY : interval.high
  }
}
