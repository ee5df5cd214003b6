import { expect, test } from 'vitest'
import {
  kurtosisAtLife,
  velocityAtLife,
  vibrationSensor,
} from '../../../simulators/models/vibration-sensor.ts'

test.each([
  [0, 1.2],
  [0.65, 2.8],
  [0.81, 4.5],
  [0.94, 7.1],
  [1, 9],
])('at %d of its life a bearing shows %d mm/s', (life, velocity) => {
  expect(Math.abs(velocityAtLife(life) / velocity - 1)).toBeLessThan(0.02)
})

test('kurtosis is 3 when healthy, 8 near 0.6 of the life, and falls back to 4', () => {
  expect(kurtosisAtLife(0)).toBeCloseTo(3, 2)
  expect(kurtosisAtLife(0.6)).toBeGreaterThan(7.8)
  expect(kurtosisAtLife(0.6)).toBeLessThan(8.3)
  expect(kurtosisAtLife(1)).toBeCloseTo(4, 1)
})

test('a motor early in its life stays well below the first limit, and turns slower with load', () => {
  for (const id of ['a', 'b', 'c', 'd']) {
    const motor = vibrationSensor.create(42, id)
    const readings = Array.from(
      { length: 500 },
      (_, i) => motor.valuesAt(Date.UTC(2026, 10, 20) + i * 97_000) as Record<string, number>,
    )
    for (const { velocity_rms_mm_s, speed_rpm, bearing_temperature_c, kurtosis } of readings) {
      expect(velocity_rms_mm_s).toBeGreaterThan(0.5)
      expect(velocity_rms_mm_s).toBeLessThan(2.3)
      expect(speed_rpm).toBeGreaterThan(1_440)
      expect(speed_rpm).toBeLessThan(1_500)
      expect(bearing_temperature_c).toBeGreaterThan(50)
      expect(bearing_temperature_c).toBeLessThan(75)
      expect(kurtosis).toBeGreaterThan(2.4)
      expect(kurtosis).toBeLessThan(4)
    }
    const mean = (of: typeof readings) => of.reduce((sum, r) => sum + r.speed_rpm!, 0) / of.length
    const byLoad = [...readings].sort((a, b) => a.motor_current_a! - b.motor_current_a!)
    expect(mean(byLoad.slice(-100))).toBeLessThan(mean(byLoad.slice(0, 100)))
  }
})
