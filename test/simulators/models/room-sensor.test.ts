import { expect, test } from 'vitest'
import { roomSensor } from '../../../simulators/models/room-sensor.ts'

const hourMs = 3_600_000
/** A Friday. */
const friday = Date.UTC(2026, 10, 20)
const room = roomSensor.create(42, 'office')
const at = (hours: number) => room.valuesAt(friday + hours * hourMs) as Record<string, number>
const meanCo2 = (from: number, to: number) => {
  const steps = Array.from({ length: 60 }, (_, i) => at(from + ((to - from) * i) / 60).co2_ppm!)
  return steps.reduce((sum, ppm) => sum + ppm, 0) / steps.length
}

test('CO2 rises while people are there, towards what people and ventilation balance at', () => {
  expect(meanCo2(6, 7)).toBeLessThan(450)
  const byHour = [10, 11, 12, 14].map((hour) => meanCo2(hour, hour + 0.5))
  for (const [i, ppm] of byHour.entries()) if (i > 0) expect(ppm).toBeGreaterThan(byHour[i - 1]! + 20)
  // At most three people: 420 + 3 · 330 / 0.5 ppm.
  expect(byHour.at(-1)).toBeLessThan(2_400)
})

test('CO2 decays by the ventilation once they have left: by half in 1.4 h', () => {
  const early = meanCo2(18.5, 18.7) - 420
  const late = meanCo2(18.5 + 1.386, 18.7 + 1.386) - 420
  expect(late / early).toBeGreaterThan(0.4)
  expect(late / early).toBeLessThan(0.6)
})

test('CO2 goes over midnight and through the week-end without a jump', () => {
  for (let minute = 0; minute < 4 * 24 * 60; minute++) {
    const [now, next] = [at(minute / 60), at((minute + 1) / 60)]
    // 990 ppm an hour are 16.5 a minute; the sensor's noise may add some.
    expect(Math.abs(next.co2_ppm! - now.co2_ppm!)).toBeLessThan(60)
    expect(Math.abs(next.temperature_c! - now.temperature_c!)).toBeLessThan(0.2)
  }
  expect(meanCo2(23.8, 24)).toBeGreaterThan(meanCo2(24, 24.2) - 20)
})

test('nobody is there at night and at the week-end; the light is on when somebody is', () => {
  for (let hour = 0; hour < 72; hour += 0.25) {
    const { occupied, light_lx } = at(hour)
    const mayBeOccupied = hour >= 8 && hour < 18
    if (!mayBeOccupied) expect(occupied, `hour ${hour}`).toBe(0)
    if (occupied === 1) expect(light_lx).toBeGreaterThanOrEqual(350)
  }
  expect([10, 11, 12, 13, 14, 15, 16].map((hour) => at(hour).occupied)).toEqual([1, 1, 1, 1, 1, 1, 1])
})
