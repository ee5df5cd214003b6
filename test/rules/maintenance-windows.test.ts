import { expect, test } from 'vitest'
import { isInMaintenance } from '../../rules/maintenance-windows.ts'
import { startMs } from './alarm-fixture.ts'

const everything = { types: [], labels: {}, devices: [] }
const window = { select: everything, from: startMs, to: startMs + 1_000 }
const fridge = { id: 'fridge-1', type: 'fridge', labels: { site: 'berlin' } }

test('a window begins at from and ends before to', () => {
  const isIn = (timeMs: number) => isInMaintenance([window], fridge, timeMs)
  expect([startMs - 1, startMs, startMs + 999, startMs + 1_000].map(isIn)).toEqual([false, true, true, false])
})

test.each([
  [{}, true],
  [{ types: ['fridge'] }, true],
  [{ types: ['smart_meter'] }, false],
  [{ devices: ['fridge-1', 'x'] }, true],
  [{ devices: ['fridge-2'] }, false],
  [{ labels: { site: 'berlin' } }, true],
  [{ labels: { site: 'paris' } }, false],
  [{ labels: { site: 'berlin', floor: '1' } }, false],
  [{ labels: { constructor: 'x' } }, false],
  [{ types: ['fridge'], devices: ['fridge-2'] }, false],
])('each given part of select must match: %j → %s', (select, expected) => {
  const windows = [{ ...window, select: { ...everything, ...select } }]
  expect(isInMaintenance(windows, fridge, startMs)).toBe(expected)
})

test('one window of several is enough, and of none there is none', () => {
  const other = { ...window, select: { ...everything, types: ['smart_meter'] } }
  expect(isInMaintenance([other, window], fridge, startMs)).toBe(true)
  expect(isInMaintenance([other], fridge, startMs)).toBe(false)
  expect(isInMaintenance([], fridge, startMs)).toBe(false)
})
