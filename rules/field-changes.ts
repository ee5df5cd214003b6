import { toPointer } from './rule-problem.ts'

/** A field that an edit changes; `before` or `after` is undefined where it is not there. */
export interface FieldChange {
  /** RFC 6901, into the rule. */
  readonly pointer: string
  readonly before?: unknown
  readonly after?: unknown
}

/** What differs, field by field; lists of another length as a whole. */
export function fieldChanges(
  before: unknown,
  after: unknown,
  path: readonly PropertyKey[] = [],
): FieldChange[] {
  if (Object.is(before, after)) return []
  if (isObject(before) && isObject(after) && haveSameShape(before, after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)])
    return [...names]
      .sort()
      .flatMap((name) => fieldChanges(own(before, name), own(after, name), [...path, name]))
  }
  return [{ pointer: toPointer(path), before, after }]
}

function haveSameShape(before: object, after: object): boolean {
  if (Array.isArray(before) !== Array.isArray(after)) return false
  return !Array.isArray(before) || before.length === (after as readonly unknown[]).length
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function own(object: object, name: string): unknown {
  return Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined
}
