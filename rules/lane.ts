import { HeldReadings } from './held-readings.ts'
import type { Instance } from './instance.ts'
import type { RangeTable } from './range-table.ts'
import type { ReadingShape } from './reading-input.ts'
import type { SharedWindow } from './shared-window.ts'
import type { SlidingWindow } from './sliding-window.ts'

/** What a reading of one shape reaches. */
export interface Plan {
  readonly ranges: readonly { readonly table: RangeTable; readonly at: number }[]
  readonly instances: readonly Instance[]
  readonly windows: readonly { readonly window: SlidingWindow; readonly at: number }[]
}

const plansMax = 200

/** The rules of one device that have the same `wait`: they see the same readings in the same order. */
export class Lane {
  readonly waitMs: number
  /** Name under which its windows and held readings are kept. */
  readonly owner: string
  readonly held = new HeldReadings()
  readonly ranges = new Map<string, RangeTable>()
  /** Rules that are not in a range table, in the order in which they are evaluated. */
  readonly instances: Instance[] = []
  readonly windows = new Map<string, SharedWindow>()
  /** Newest event time that the clock let go: what is older comes too late, though a reading of its device might not yet say so. */
  letGoTo = Number.NEGATIVE_INFINITY
  /** Earliest event time at which the clock alone changes something. */
  nextDeadline = Number.POSITIVE_INFINITY
  readonly #plans = new Map<string, Plan>()
  #clocked: Instance[] = []

  constructor(deviceId: string, waitMs: number) {
    this.waitMs = waitMs
    this.owner = `${deviceId} ${waitMs}`
  }

  /** Whether any of its rules runs on the clock. */
  get isClocked(): boolean {
    return this.#clocked.length > 0
  }

  /** Call when all instances are in place. */
  settle(): void {
    this.#plans.clear()
    this.#clocked = this.instances.filter(({ compiled }) => compiled.condition.deadline !== undefined)
    this.updateDeadline()
  }

  updateDeadline(): void {
    let earliest = Number.POSITIVE_INFINITY
    for (const instance of this.#clocked) earliest = Math.min(earliest, instance.deadline)
    this.nextDeadline = earliest
  }

  /** Those that run on the clock. */
  get clocked(): readonly Instance[] {
    return this.#clocked
  }

  /** The clocked instance whose deadline comes first. */
  nextClocked(): Instance | undefined {
    let first: Instance | undefined
    for (const instance of this.#clocked) {
      if (first === undefined || instance.deadline < first.deadline) first = instance
    }
    return first
  }

  plan(shape: ReadingShape): Plan {
    const found = this.#plans.get(shape.key)
    if (found !== undefined) return found
    if (this.#plans.size >= plansMax) this.#plans.clear()
    const plan = this.#newPlan(shape)
    this.#plans.set(shape.key, plan)
    return plan
  }

  /** Whether a reading of this shape has anything for the lane. */
  isReachedBy(shape: ReadingShape): boolean {
    const { ranges, instances, windows } = this.plan(shape)
    return ranges.length + instances.length + windows.length > 0
  }

  #newPlan(shape: ReadingShape): Plan {
    const ranges = shape.metrics.flatMap((metric, at) => {
      const table = this.ranges.get(metric)
      return table === undefined ? [] : [{ table, at }]
    })
    const reached = new Set<string>()
    const instances = this.instances.filter((instance) => {
      const { condition } = instance.compiled
      const isReached =
        condition.everyReading === true ||
        shape.metrics.some((metric) => condition.metrics.has(metric)) ||
        instance.compiled.rule.watches.some((id) => reached.has(id))
      if (isReached) reached.add(instance.rule.id)
      return isReached
    })
    const windows = [...this.windows.values()].flatMap(({ metric, window }) => {
      const at = shape.index.get(metric)
      return at === undefined ? [] : [{ window, at }]
    })
    return { ranges, instances, windows }
  }
}
