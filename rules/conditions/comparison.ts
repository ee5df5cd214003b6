import type { AboveOrBelow } from '../rule.ts'
import { type CompileContext, type Outcome, outcomes } from './condition.ts'
import { exactlyOneOf, limit } from './fields.ts'

/** Fields of the kinds that compare a number that they calculate; `exactlyOneComparison` refines their schema. */
export const comparisonFields = { above: limit.optional(), below: limit.optional() }

export const exactlyOneComparison = exactlyOneOf<AboveOrBelow>(['above', 'below'])

/** `above` or `below` with its limit resolved; limits are exclusive. */
export class Comparison {
  readonly limit: number
  readonly #isAbove: boolean

  constructor({ above, below }: AboveOrBelow, context: CompileContext) {
    this.limit = context.limit((above ?? below)!)
    this.#isAbove = above !== undefined
  }

  /** Met or cleared; unknown where there is no number to compare. */
  judge(value: number | undefined): Outcome {
    if (value === undefined || Number.isNaN(value)) return outcomes.unknown
    return (this.#isAbove ? value > this.limit : value < this.limit) ? outcomes.met : outcomes.cleared
  }
}
