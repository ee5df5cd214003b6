import type { RuleForDevice } from './compile.ts'
import { RangeColumns } from './range-table.ts'
import type { ReadingShape } from './reading-input.ts'
import { WindowKinds } from './windows.ts'

/** What a reading of one shape reaches: places in the lane, and (`at`) in the shape. */
export interface Plan {
  readonly ranges: readonly { readonly place: number; readonly at: number }[]
  readonly instances: readonly number[]
  readonly windows: readonly { readonly place: number; readonly at: number }[]
  readonly previous: readonly { readonly place: number; readonly at: number; readonly isNumber: boolean }[]
}

const plansMax = 200

/** What lanes of the same rules have in common, whatever their device: what stands in which place, and what a reading reaches. */
export class LaneLayout {
  /** Rules that are not in a range table, in the order in which they are evaluated. */
  readonly rules: readonly RuleForDevice[]
  /** By metric. */
  readonly ranges: readonly RangeColumns[]
  readonly windows: WindowKinds
  /** Places of the rules that run on the clock. */
  readonly clocked: readonly number[]
  readonly #plans = new Map<string, Plan>()

  /** `inRanges`: rules that are compared in columns. `readingsMax`: of a window. */
  constructor(rules: readonly RuleForDevice[], inRanges: readonly RuleForDevice[], readingsMax: number) {
    const byMetric = new Map<string, RuleForDevice[]>()
    for (const rule of inRanges) {
      const [metric] = rule.condition.metrics
      byMetric.set(metric!, [...(byMetric.get(metric!) ?? []), rule])
    }
    this.rules = rules
    this.ranges = [...byMetric].map(([metric, together]) => new RangeColumns(metric, together))
    this.windows = new WindowKinds(
      rules.map(({ condition }) => condition),
      readingsMax,
    )
    this.clocked = [...rules.keys()].filter((i) => rules[i]!.condition.deadline !== undefined)
  }

  plan(shape: ReadingShape): Plan {
    const found = this.#plans.get(shape.key)
    if (found !== undefined) return found
    if (this.#plans.size >= plansMax) this.#plans.clear()
    const plan = this.#newPlan(shape)
    this.#plans.set(shape.key, plan)
    return plan
  }

  #newPlan(shape: ReadingShape): Plan {
    const ranges = shape.metrics.flatMap((metric, at) => {
      const place = this.ranges.findIndex((columns) => columns.metric === metric)
      return place === -1 ? [] : [{ place, at }]
    })
    const reached = new Set<string>()
    const instances = [...this.rules.keys()].filter((i) => {
      const { condition, rule } = this.rules[i]!
      const isReached =
        condition.everyReading === true ||
        shape.metrics.some((metric) => condition.metrics.has(metric)) ||
        rule.watches.some((id) => reached.has(id))
      if (isReached) reached.add(rule.rule.id)
      return isReached
    })
    const windows = this.windows.all.flatMap(({ metric, at: place }) => {
      const at = shape.index.get(metric)
      return at === undefined ? [] : [{ place, at }]
    })
    const previous = this.windows.previous.all.flatMap(({ metric, type, at: place }) => {
      const at = shape.index.get(metric)
      return at === undefined ? [] : [{ place, at, isNumber: type === 'number' }]
    })
    return { ranges, instances, windows, previous }
  }
}

const layoutsMax = 1_000

/** Layouts by their rules: the same object for the same rules, as long as there are not too many. */
export class LaneLayouts {
  readonly #readingsMax: number
  readonly #layouts = new Map<string, LaneLayout>()
  /** By which a rule is known here. */
  readonly #numbers = new Map<RuleForDevice, number>()

  constructor(readingsMax: number) {
    this.#readingsMax = readingsMax
  }

  of(rules: readonly RuleForDevice[], inRanges: readonly RuleForDevice[]): LaneLayout {
    if (this.#layouts.size >= layoutsMax) this.clear()
    const key = `${this.#keyOf(rules)}/${this.#keyOf(inRanges)}`
    const found = this.#layouts.get(key)
    if (found !== undefined) return found
    const layout = new LaneLayout(rules, inRanges, this.#readingsMax)
    this.#layouts.set(key, layout)
    return layout
  }

  clear(): void {
    this.#layouts.clear()
    this.#numbers.clear()
  }

  #keyOf(rules: readonly RuleForDevice[]): string {
    return rules.map((rule) => this.#numberOf(rule)).join(' ')
  }

  #numberOf(rule: RuleForDevice): number {
    const number = this.#numbers.get(rule) ?? this.#numbers.size
    this.#numbers.set(rule, number)
    return number
  }
}
