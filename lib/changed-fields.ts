import { isDeepStrictEqual } from 'node:util'

/** Names of the fields of `after` that are others than in `before`, or not there; those that have gone too. */
export function changedFields(before: object, after: object): string[] {
  const [old, now] = [new Map(Object.entries(before)), new Map(Object.entries(after))]
  const names = new Set([...old.keys(), ...now.keys()])
  return [...names].filter((name) => !isDeepStrictEqual(old.get(name), now.get(name))).sort()
}
