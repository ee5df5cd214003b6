import { expect, test } from 'vitest'
import { lineOf, placeOfPointer } from '../../dashboard/json-place.ts'

const text = `{
  "id": "a \\"{ id",
  "when": {
    "kind": "all",
    "of": [
      { "metric": "a", "above": 1 },
      { "metric": "b", "table": { "x/y": [1, 2] } }
    ]
  },
  "for": "5m"
}`
const rest = (pointer: string, length: number) => {
  const place = placeOfPointer(text, pointer)
  return text.slice(place, place + length)
}

test.each([
  ['/id', '"a \\"{ id'],
  ['/when/kind', '"all"'],
  ['/when/of/0/above', '1 }'],
  ['/when/of/1/metric', '"b"'],
  ['/when/of/1/table/x~1y/1', '2]'],
  ['/for', '"5m"'],
  ['', '{\n  "id"'],
])('the value of %s begins there', (pointer, begins) => {
  expect(rest(pointer, begins.length)).toBe(begins)
})

test('of what is not there the nearest parent is told', () => {
  expect(rest('/when/of/0/clear', 14)).toBe('{ "metric": "a')
  expect(rest('/none', 1)).toBe('{')
  expect(rest('/for/label', 4)).toBe('"5m"')
})

test.each(['', '{', '{"a"', '{"a":', '{"a": [1,', 'nonsense', '}{', '{"a" "b"}'])(
  'a text that is no JSON, %j, has a place all the same',
  (broken) => {
    expect(placeOfPointer(broken, '/a/0')).toBeLessThanOrEqual(broken.length)
  },
)

test('lines count from 1', () => {
  expect(lineOf(text, placeOfPointer(text, ''))).toBe(1)
  expect(lineOf(text, placeOfPointer(text, '/when/of/1/metric'))).toBe(7)
})
