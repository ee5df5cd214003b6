import { expect, test } from 'vitest'
import { evCharger } from '../../../simulators/models/ev-charger.ts'
import { dayMs, hourMs } from '../../../simulators/models/model.ts'

const from = Date.UTC(2026, 10, 2)
const cars = Array.from({ length: 40 }, (_, i) =>
  evCharger.create(1, `car-${i}`, { parameters: { ev_kw: 11 } }),
)
const read = (timeMs: number, of = cars[0]!) => of.valuesAt(timeMs) as Record<string, number>

test('cars arrive around six in the evening', () => {
  const arrivals: number[] = []
  for (const car of cars) {
    let isCharging = false
    for (let t = from; t < from + 14 * dayMs; t += 300_000) {
      const charges = read(t, car).active_power_w! > 100
      if (charges && !isCharging) arrivals.push((t / hourMs) % 24)
      isCharging = charges
    }
  }
  const mean = arrivals.reduce((sum, hour) => sum + hour, 0) / arrivals.length
  const sd = Math.sqrt(arrivals.reduce((sum, hour) => sum + (hour - mean) ** 2, 0) / arrivals.length)
  expect(arrivals.length).toBeGreaterThan(200)
  expect(Math.abs(mean - 18)).toBeLessThan(0.4)
  expect(Math.abs(sd - 2)).toBeLessThan(0.3)
})

test('power is that of the charger, and falls towards the end of a battery that is filled', () => {
  const powers = new Set<number>()
  for (const car of cars) {
    for (let t = from; t < from + 7 * dayMs; t += 300_000) powers.add(read(t, car).active_power_w!)
  }
  expect(Math.max(...powers)).toBe(11_003)
  expect([...powers].filter((watts) => watts > 1_000 && watts < 10_000).length).toBeGreaterThan(5)
})

test('the register is the integral of the power, and as much is charged each week', () => {
  for (const car of cars.slice(0, 4)) {
    let wh = 0
    for (let t = from; t < from + 9 * dayMs; t += 10_000) wh += read(t, car).active_power_w! / 360
    const kwh = (of: number) => read(of, car).energy_import_kwh!
    expect(Math.abs((kwh(from + 9 * dayMs) - kwh(from)) * 1000 - wh)).toBeLessThan(150)
    // 120 to 320 km of 0.18 kWh, and 3 W for itself.
    const weekKwh = (kwh(from + 700 * dayMs) - kwh(from)) / 100
    expect(weekKwh).toBeGreaterThan(20)
    expect(weekKwh).toBeLessThan(60)
  }
})
