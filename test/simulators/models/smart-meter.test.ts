import { expect, test } from 'vitest'
import { energyBefore, loadProfile } from '../../../simulators/models/load-profile.ts'
import { dayMs, dayOf, epochMs, hourMs } from '../../../simulators/models/model.ts'
import { smartMeter } from '../../../simulators/models/smart-meter.ts'

const from = Date.UTC(2026, 10, 23)
const meter = smartMeter.create(42, 'home')
const read = (timeMs: number) => meter.valuesAt(timeMs) as Record<string, number>

test('power is voltage times current times power factor', () => {
  for (let i = 0; i < 3_000; i++) {
    const { active_power_w, voltage_v, current_a, power_factor } = read(from + i * 61_000)
    const product = voltage_v! * current_a! * power_factor!
    // Current has three digits, the power factor three.
    expect(Math.abs(product - active_power_w!)).toBeLessThan(0.25 + 0.002 * active_power_w!)
  }
})

test('apparent power is made of active and reactive power', () => {
  for (let i = 0; i < 500; i++) {
    const { active_power_w, reactive_power_var, power_factor } = read(from + i * 61_000)
    expect(active_power_w! / Math.hypot(active_power_w!, reactive_power_var!)).toBeCloseTo(power_factor!, 2)
  }
})

test('the register is the integral of the power', () => {
  const stepMs = 1_000
  const first = read(from).energy_import_kwh!
  let wh = 0
  let furthestWh = 0
  for (let t = from; t < from + dayMs; t += stepMs) {
    const { active_power_w, energy_import_kwh } = read(t)
    furthestWh = Math.max(furthestWh, Math.abs(wh - (energy_import_kwh! - first) * 1000))
    wh += (active_power_w! * stepMs) / hourMs
  }
  expect(wh).toBeGreaterThan(3_000)
  // A switching falls somewhere within its second; the register has steps of 1 Wh.
  expect(furthestWh).toBeLessThan(10)
})

test('voltage sags with the power of the home, and stays within what a grid allows', () => {
  const readings = Array.from({ length: 3_000 }, (_, i) => read(from + i * 61_000))
  const meanVoltage = (of: typeof readings) => of.reduce((sum, r) => sum + r.voltage_v!, 0) / of.length
  const high = readings.filter(({ active_power_w }) => active_power_w! > 1_500)
  const low = readings.filter(({ active_power_w }) => active_power_w! < 300)
  expect(meanVoltage(low) - meanVoltage(high)).toBeGreaterThan(1.5)
  for (const { voltage_v, frequency_hz } of readings) {
    expect(voltage_v).toBeGreaterThan(207)
    expect(voltage_v).toBeLessThan(253)
    expect(Math.abs(frequency_hz! - 50)).toBeLessThan(0.15)
  }
})

test('meters on one grid see one frequency', () => {
  expect(smartMeter.create(42, 'other').valuesAt(from).frequency_hz).toBe(read(from).frequency_hz)
})

test('the mean of 500 homes follows the load profile in each hour', () => {
  const homes = Array.from({ length: 500 }, (_, i) => smartMeter.create(3, `home-${i}`))
  const kwhAt = (timeMs: number) =>
    homes.reduce((sum, home) => sum + (home.valuesAt(timeMs).energy_import_kwh as number), 0)
  // Monday to Thursday: like days.
  const hours = Array.from({ length: 24 }, () => 0)
  let before = kwhAt(from)
  for (let hour = 0; hour < 4 * 24; hour++) {
    const after = kwhAt(from + (hour + 1) * hourMs)
    hours[hour % 24]! += after - before
    before = after
  }
  const total = hours.reduce((sum, kwh) => sum + kwh, 0)
  const profile = loadProfile(dayOf(from))
  const profileTotal = profile.reduce((sum, watts) => sum + watts, 0)
  hours.forEach((kwh, hour) => {
    expect(Math.abs(kwh / total / (profile[hour]! / profileTotal) - 1), `hour ${hour}`).toBeLessThan(0.05)
  })
})

test('a home of 1,000 kWh a year uses about as much', () => {
  const yearOf = (year: number) => [Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1)].map(dayOf)
  for (const year of [2023, 2024, 2026]) {
    const [first, end] = yearOf(year)
    const kwh = (energyBefore(end!) - energyBefore(first!)) / 1000
    expect(Math.abs(kwh - 1_000)).toBeLessThan(30)
  }
  expect(energyBefore(0)).toBe(0)
  expect(read(epochMs).energy_import_kwh).toBeCloseTo(0, 2)
})

test('seasons and days of the week have their own curves', () => {
  const day = (year: number, month: number, date: number) =>
    loadProfile(dayOf(Date.UTC(year, month - 1, date)))
  const noonShare = (watts: readonly number[]) => watts[12]! / watts.reduce((sum, w) => sum + w, 0)
  // Sunday 22 November 2026 has its lunch, Monday 23 has not.
  expect(noonShare(day(2026, 11, 22))).toBeGreaterThan(1.2 * noonShare(day(2026, 11, 23)))
  expect(day(2026, 12, 21)[18]).toBeGreaterThan(1.4 * day(2026, 6, 22)[18]!)
})
