import { expect, test } from 'vitest'
import type { Fault } from '../../../simulators/faults/fault.ts'
import { dayMs, hourMs } from '../../../simulators/models/model.ts'
import { clearSkyWm2 } from '../../../simulators/models/pv.ts'
import { pvMeter } from '../../../simulators/models/pv-meter.ts'

const summer = Date.UTC(2026, 5, 8)
const array = pvMeter.create(1, 'pv', { parameters: { pv_kwp: 6 } })
const read = (timeMs: number, of = array) => of.valuesAt(timeMs) as Record<string, number>

test('it gives nothing at night, and never more than its peak power and a little', () => {
  for (let t = summer; t < summer + 60 * dayMs; t += 1_800_000) {
    const { active_power_w, yield_w_kwp } = read(t)
    const hour = (t / hourMs) % 24
    if (hour < 3 || hour >= 21) expect(active_power_w).toBeCloseTo(0, 6)
    expect(active_power_w).toBeLessThanOrEqual(0)
    expect(yield_w_kwp).toBeLessThan(1_150)
    expect(yield_w_kwp).toBeCloseTo(-active_power_w! / 6, 0)
  }
})

test('a clear sky is that of Haurwitz', () => {
  expect(clearSkyWm2(1)).toBeCloseTo(1_035.1, 0)
  expect(clearSkyWm2(0.5)).toBeCloseTo(487.9, 0)
  expect(clearSkyWm2(-0.1)).toBe(0)
})

test('a year gives about 1,000 kWh for each kWp, much more in June than in December', () => {
  const kwh = (from: number, to: number) => read(to).energy_export_kwh! - read(from).energy_export_kwh!
  const perKwp = kwh(Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1)) / 6
  expect(perKwp).toBeGreaterThan(750)
  expect(perKwp).toBeLessThan(1_250)
  const june = kwh(Date.UTC(2026, 5, 1), Date.UTC(2026, 6, 1))
  expect(june).toBeGreaterThan(2.5 * kwh(Date.UTC(2026, 11, 1), Date.UTC(2026, 11, 31)))
})

test('the register is the integral of the power, over the end of a leap year too', () => {
  for (const from of [summer, Date.UTC(2028, 11, 30)]) {
    let wh = 0
    for (let t = from; t < from + 3 * dayMs; t += 60_000) wh -= read(t).active_power_w! / 60
    const rise = read(from + 3 * dayMs).energy_export_kwh! - read(from).energy_export_kwh!
    expect(wh).toBeGreaterThan(500)
    expect(Math.abs(rise * 1000 - wh)).toBeLessThan(5)
  }
})

test('neighbours with arrays of the same direction give nearly as much for each kWp', () => {
  const other = pvMeter.create(1, 'other')
  for (let t = summer; t < summer + 30 * dayMs; t += 900_000) {
    expect(Math.abs(read(t).yield_w_kwp! - read(t, other).yield_w_kwp!)).toBeLessThan(150)
  }
})

test('an array that looks west gives later', () => {
  const west = pvMeter.create(1, 'pv', { parameters: { pv_kwp: 6, pv_azimuth_deg: 270 } })
  const sum = (hour: number, of: typeof west) => {
    let total = 0
    for (let day = 0; day < 30; day++) total += read(summer + day * dayMs + hour * hourMs, of).yield_w_kwp!
    return total
  }
  expect(sum(17, west)).toBeGreaterThan(1.2 * sum(17, array))
  expect(sum(8, west)).toBeLessThan(0.8 * sum(8, array))
})

test('without one string of two it gives half, in its register too, and it shows when the sun is up', () => {
  const onsetMs = summer
  const endMs = summer + 5 * dayMs
  const fault: Fault = {
    id: 'pv_string_loss-1',
    device: 'pv',
    kind: 'pv_string_loss',
    class: 'process',
    severity: 1,
    onsetMs,
    endMs,
    parameters: { share: 0.5 },
  }
  const faulty = pvMeter.create(1, 'pv', { parameters: { pv_kwp: 6 }, faults: [fault] })
  const noon = summer + 12 * hourMs
  expect(read(noon, faulty).active_power_w).toBeCloseTo(read(noon).active_power_w! / 2, 0)
  const lost = (t: number) => read(t).energy_export_kwh! - read(t, faulty).energy_export_kwh!
  const whole = read(endMs).energy_export_kwh! - read(onsetMs).energy_export_kwh!
  expect(lost(onsetMs)).toBe(0)
  expect(lost(endMs + dayMs)).toBeCloseTo(whole / 2, 2)
  const { detectableFromMs } = faulty.consequenceOf!(fault)
  expect(detectableFromMs).toBeGreaterThan(summer + 4 * hourMs)
  expect(detectableFromMs).toBeLessThan(summer + 9 * hourMs)
  expect(faulty.consequenceOf!({ ...fault, onsetMs: noon }).detectableFromMs).toBe(noon)
})
