import { expect, test } from 'vitest'
import { energyWindows, totalKwh } from '../../dashboard/energy.ts'

const at = (hour: number) => new Date(hour * 3_600_000).toISOString()
const registers = (...rows: (readonly [hour: number, taken?: number | undefined, given?: number])[]) =>
  rows.map(([hour, taken, given]) => ({
    time: at(hour),
    values: {
      ...(taken === undefined ? {} : { energy_import_kwh: taken }),
      ...(given === undefined ? {} : { energy_export_kwh: given }),
    },
  }))

test('the energy of an hour is what the register rose by since the reading before', () => {
  expect(energyWindows(registers([0, 100, 7], [1, 101.5, 7], [2, 104, 9]))).toEqual([
    { at: 3_600_000, importKwh: 1.5, exportKwh: 0 },
    { at: 7_200_000, importKwh: 2.5, exportKwh: 2 },
  ])
})

test('an hour without a reading is in the next one, and a register that went back is no energy', () => {
  const windows = energyWindows(registers([0, 100], [3, 106], [4, 2], [5, 3]))
  expect(windows.map(({ importKwh }) => importKwh)).toEqual([6, undefined, 1])
  expect(windows.map(({ exportKwh }) => exportKwh)).toEqual([undefined, undefined, undefined])
  expect([totalKwh(windows, 'importKwh'), totalKwh(windows, 'exportKwh')]).toEqual([7, 0])
})

test('a meter that reports its registers in turn loses nothing', () => {
  expect(energyWindows(registers([0, 1], [1, undefined, 5], [2, 3], [3, undefined, 9]))).toEqual([
    { at: 3_600_000, importKwh: undefined, exportKwh: undefined },
    { at: 7_200_000, importKwh: 2, exportKwh: undefined },
    { at: 10_800_000, importKwh: undefined, exportKwh: 4 },
  ])
})

test('nothing read is nothing', () => {
  expect(energyWindows([])).toEqual([])
})
