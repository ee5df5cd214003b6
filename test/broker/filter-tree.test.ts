import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FilterTree } from '../../broker/filter-tree.ts'
import { isValidFilter, isValidTopic, matches } from '../../broker/rights.ts'

const level = fc.constantFrom('', 'a', 'b', '$a', 'constructor', '__proto__')
const filter = fc
  .array(fc.oneof(level, fc.constantFrom('+', '#')), { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter(isValidFilter)
const topic = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter(isValidTopic)

test('finds the filters that match a topic, those that were deleted not', () => {
  fc.assert(
    fc.property(fc.uniqueArray(filter), fc.uniqueArray(filter), topic, (filters, deleted, name) => {
      const tree = new FilterTree<string>()
      for (const one of filters) tree.set(one, 'key', one)
      for (const one of deleted) tree.delete(one, 'key')
      const left = filters.filter((one) => !deleted.includes(one))
      expect(tree.match(name).sort()).toEqual(left.filter((one) => matches(one, name)).sort())
    }),
    { numRuns: 2_000 },
  )
})

test('a filter has a value for each key, the newest', () => {
  const tree = new FilterTree<number>()
  tree.set('a/+', 'one', 1)
  tree.set('a/+', 'two', 2)
  tree.set('a/+', 'one', 3)
  expect(tree.match('a/b').sort()).toEqual([2, 3])
  tree.delete('a/+', 'one')
  tree.delete('a', 'two')
  expect(tree.match('a/b')).toEqual([2])
})
