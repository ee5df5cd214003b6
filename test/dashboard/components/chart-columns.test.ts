import { expect, test } from 'vitest'
import type { Reading, Value } from '../../../dashboard/api/types.ts'
import { chartColumns } from '../../../dashboard/components/chart-columns.ts'

const at = (s: number) => new Date(s * 1_000).toISOString()
const readings = (...points: [s: number, value: Value][]): Reading[] =>
  points.map(([s, value]) => ({ time: at(s), values: { m: value } }))

test('series share one axis; what one has not is nothing', () => {
  expect(chartColumns([readings([1, 10], [2, 20]), readings([2, 5], [3, 6])], 'm')).toEqual({
    times: [1_000, 2_000, 3_000],
    columns: [
      [10, 20, null],
      [null, 5, 6],
    ],
  })
})

test('a line ends where the device was silent for more than five usual intervals', () => {
  const { times, columns } = chartColumns([readings([1, 1], [2, 2], [3, 3], [9, 4], [10, 5])], 'm')
  expect(times).toEqual([1_000, 2_000, 3_000, 3_001, 9_000, 10_000])
  expect(columns).toEqual([[1, 2, 3, null, 4, 5]])
  expect(chartColumns([readings([1, 1], [2, 2], [3, 3], [8, 4], [9, 5])], 'm').times).toHaveLength(5)
})

test('a state is 0 or 1, a text nothing, no reading no point', () => {
  expect(chartColumns([readings([1, true], [2, false], [3, 'open'])], 'm').columns).toEqual([[1, 0, null]])
  expect(chartColumns([[]], 'm')).toEqual({ times: [], columns: [[]] })
})
