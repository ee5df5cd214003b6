import { expect, test } from 'vitest'
import { fieldChanges } from '../../rules/field-changes.ts'

test.each([
  [{ a: 1 }, { a: 1 }, []],
  [{ a: 1 }, { a: 2 }, [{ pointer: '/a', before: 1, after: 2 }]],
  [{ a: 1 }, {}, [{ pointer: '/a', before: 1, after: undefined }]],
  [{}, { a: null }, [{ pointer: '/a', before: undefined, after: null }]],
  [{ a: { 'b/c': 1, d: 2 } }, { a: { 'b/c': 3, d: 2 } }, [{ pointer: '/a/b~1c', before: 1, after: 3 }]],
  [{ a: [1, { b: 2 }] }, { a: [1, { b: 3 }] }, [{ pointer: '/a/1/b', before: 2, after: 3 }]],
  [{ a: [1] }, { a: [1, 2] }, [{ pointer: '/a', before: [1], after: [1, 2] }]],
  [{ a: [] }, { a: {} }, [{ pointer: '/a', before: [], after: {} }]],
  [
    { a: 8 },
    { a: { label: 'x', default: 8 } },
    [{ pointer: '/a', before: 8, after: { label: 'x', default: 8 } }],
  ],
  [
    { b: 1, a: 1 },
    { a: 2, b: 2 },
    [
      { pointer: '/a', before: 1, after: 2 },
      { pointer: '/b', before: 1, after: 2 },
    ],
  ],
])('from %j to %j', (before, after, changes) => {
  expect(fieldChanges(before, after)).toEqual(changes)
})
