import { atMost, ruleLimits } from './rule-limits.ts'
import { type RuleProblem, toPointer } from './rule-problem.ts'

/** Names that no part of a rule may have: assigned to an object they would change what it inherits. */
const prototypeKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** An object or a list of the body, and where it stands: the way back to the root, so that the walk's memory is linear. */
interface Place {
  readonly value: object
  readonly key: string
  readonly parent: Place | undefined
  /** Of objects and lists, the body being 1. */
  readonly level: number
  readonly isInWhen: boolean
  /** Conditions around it. */
  readonly conditions: number
}

/**
 * What must be known of a body before anything recurses into it: that it is not too deep, does not hold too many
 * conditions, and has no key of `Object.prototype`. The walk is in the order of the text and does not recurse itself.
 */
export function shapeProblems(body: unknown): RuleProblem[] {
  const problems: RuleProblem[] = []
  const open: Place[] = []
  let conditions = 0
  if (isContainer(body))
    open.push({ value: body, key: '', parent: undefined, level: 1, isInWhen: false, conditions: 0 })
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const isCondition = place.isInWhen && Object.hasOwn(place.value, 'kind')
    if (isCondition) conditions++
    const depth = place.conditions + (isCondition ? 1 : 0)
    const tooMuch = excess(place.level, depth, conditions)
    if (tooMuch !== undefined) return [{ pointer: pointerOf(place), detail: tooMuch }]
    const inner: Place[] = []
    for (const [key, value] of Object.entries(place.value)) {
      if (prototypeKeys.has(key)) problems.push({ pointer: pointerOf(place, key), detail: 'unknown field' })
      if (!isContainer(value)) continue
      const isInWhen = place.isInWhen || (place.level === 1 && key === 'when')
      inner.push({ value, key, parent: place, level: place.level + 1, isInWhen, conditions: depth })
    }
    for (const next of inner.reverse()) open.push(next)
  }
  return problems
}

function excess(level: number, depth: number, conditions: number): string | undefined {
  if (level > ruleLimits.nestingMax) return atMost('nestingMax', 'levels of nesting')
  if (depth > ruleLimits.conditionDepthMax)
    return atMost('conditionDepthMax', 'conditions within one another')
  if (conditions > ruleLimits.conditionsMax) return atMost('conditionsMax', 'conditions in a rule')
  return undefined
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function pointerOf(place: Place, key?: string): string {
  const path = key === undefined ? [] : [key]
  for (let at = place; at.parent !== undefined; at = at.parent) path.push(at.key)
  return toPointer(path.reverse())
}
