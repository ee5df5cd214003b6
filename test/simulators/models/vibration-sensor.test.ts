import { describe, expect, test } from 'vitest'
import type { Fault } from '../../../simulators/faults/fault.ts'
import {
  kurtosisAtLife,
  velocityAtLife,
  vibrationSensor,
} from '../../../simulators/models/vibration-sensor.ts'

const dayMs = 86_400_000
const start = Date.UTC(2026, 10, 20)
const fault = (
  kind: 'bearing_wear' | 'imbalance',
  parameters: Record<string, number>,
  severity = 1,
  lastsDays = 40,
): Fault => ({
  id: `${kind}-1`,
  device: 'any',
  kind,
  class: 'process',
  severity,
  onsetMs: start,
  endMs: start + lastsDays * dayMs,
  parameters,
})
const motor = (id: string, faults: readonly Fault[] = [], load?: number) =>
  vibrationSensor.create(42, id, { faults, parameters: load === undefined ? {} : { load } })
/** Means over three hours of readings: noise and load are gone from them. */
const meanAt = (device: ReturnType<typeof motor>, timeMs: number) => {
  const all = Array.from(
    { length: 360 },
    (_, i) => device.valuesAt(timeMs + (i - 180) * 30_000) as Record<string, number>,
  )
  return Object.fromEntries(
    Object.keys(all[0]!).map((name) => [name, all.reduce((sum, one) => sum + one[name]!, 0) / all.length]),
  )
}

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

describe('a bearing that wears out', () => {
  const wear = fault('bearing_wear', { life_days: 20 })
  const worn = motor('a', [wear])
  const at = (share: number) => meanAt(worn, start + share * 20 * dayMs)

  test('shows velocity, kurtosis and temperature of its life, by its load', () => {
    for (const [share, velocity] of [
      [0.65, 2.8],
      [0.81, 4.5],
      [0.94, 7.1],
    ] as const)
      expect(Math.abs(at(share).velocity_rms_mm_s! / (0.8 * velocity) - 1)).toBeLessThan(0.05)
    expect(at(0.6).kurtosis).toBeGreaterThan(7.5)
    expect(at(1.1).kurtosis).toBeCloseTo(4, 1)
    // 15 K · x³ more, times the load.
    const warmer = at(1.1).bearing_temperature_c! - meanAt(motor('a'), start).bearing_temperature_c!
    expect(Math.abs(warmer - 12)).toBeLessThan(1)
    expect(at(1.3).velocity_rms_mm_s! / at(1.1).velocity_rms_mm_s!).toBeCloseTo(1, 1)
  })

  test('goes up from what it was, without a jump', () => {
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const device = motor(id, [wear])
      const healthy = meanAt(motor(id), start + dayMs).velocity_rms_mm_s!
      expect(Math.abs(meanAt(device, start + dayMs).velocity_rms_mm_s! / healthy - 1)).toBeLessThan(0.01)
      let before = healthy
      for (let day = 1; day <= 20; day++) {
        const now = meanAt(device, start + day * dayMs).velocity_rms_mm_s!
        expect(now).toBeGreaterThan(before * 0.96)
        expect(now).toBeLessThan(before * 1.4)
        before = now
      }
    }
  })

  test('is told of when it shows a quarter more than before, by 4.5 mm/s at full load, and fails at the end of its life', () => {
    for (const id of ['a', 'b', 'c', 'd']) {
      const device = motor(id, [wear])
      const { detectableFromMs, warnByMs, failureMs } = device.consequenceOf!(wear)
      const healthy = meanAt(motor(id), detectableFromMs).velocity_rms_mm_s!
      expect(Math.abs(meanAt(device, detectableFromMs).velocity_rms_mm_s! / healthy - 1.25)).toBeLessThan(
        0.03,
      )
      expect((warnByMs! - start) / dayMs / 20).toBeCloseTo(0.81, 2)
      expect(failureMs).toBe(start + 20 * dayMs)
    }
  })

  test('lives half as long at twice the severity; repaired earlier it never fails', () => {
    const fast = fault('bearing_wear', { life_days: 20 }, 2)
    expect(motor('a', [fast]).consequenceOf!(fast).failureMs).toBe(start + 10 * dayMs)
    const mended = fault('bearing_wear', { life_days: 20 }, 1, 17)
    const told = motor('a', [mended]).consequenceOf!(mended)
    expect(told.warnByMs).toBeDefined()
    expect(told.failureMs).toBeUndefined()
    const early = fault('bearing_wear', { life_days: 20 }, 1, 12)
    expect(Object.keys(motor('a', [early]).consequenceOf!(early))).toEqual(['detectableFromMs'])
    const times = Array.from({ length: 200 }, (_, i) => mended.endMs + i * 61_000)
    const read = (device: ReturnType<typeof motor>) => times.map((time) => device.valuesAt(time))
    expect(read(motor('a', [mended]))).toEqual(read(motor('a')))
  })
})

test('imbalance adds to the velocity by its power, at once, and leaves kurtosis and temperature alone', () => {
  const off = fault('imbalance', { velocity_mm_s: 3 }, 1, 5)
  const device = motor('a', [off])
  expect(device.consequenceOf!(off)).toEqual({ detectableFromMs: start })
  const [healthy, found] = [meanAt(motor('a'), start + dayMs), meanAt(device, start + dayMs)]
  const { velocity_rms_mm_s: before, speed_rpm } = healthy
  const added = 3 * (speed_rpm! / 1_500) ** 2
  expect(Math.abs(found.velocity_rms_mm_s! / Math.hypot(before!, added) - 1)).toBeLessThan(0.01)
  expect(found.acceleration_peak_g).toBeGreaterThan(healthy.acceleration_peak_g!)
  expect(found.kurtosis).toBe(healthy.kurtosis)
  expect(found.bearing_temperature_c).toBe(healthy.bearing_temperature_c)
  const lone = (time: number) => device.valuesAt(time) as Record<string, number>
  expect(lone(start).velocity_rms_mm_s).toBeGreaterThan(2.5)
  expect(lone(start - 1).velocity_rms_mm_s).toBeLessThan(1.5)
  expect(lone(off.endMs).velocity_rms_mm_s).toBeLessThan(1.5)
})

test('load moves slowly around its mean, and with it velocity, current and warmth', () => {
  const half = meanAt(motor('a', [], 0.4), start)
  const usual = meanAt(motor('a'), start)
  expect(half.velocity_rms_mm_s! / usual.velocity_rms_mm_s!).toBeCloseTo(0.5, 1)
  expect(half.motor_current_a! / usual.motor_current_a!).toBeCloseTo(0.5, 1)
  expect((half.bearing_temperature_c! - 45) / (usual.bearing_temperature_c! - 45)).toBeCloseTo(0.5, 1)
  const device = motor('b')
  const loads = Array.from(
    { length: 5_000 },
    (_, i) => Number(device.valuesAt(start + i * 60_000).motor_current_a) / 12,
  )
  const mean = loads.reduce((sum, load) => sum + load, 0) / loads.length
  const sd = Math.sqrt(loads.reduce((sum, load) => sum + (load - mean) ** 2, 0) / loads.length)
  expect(mean).toBeCloseTo(0.8, 2)
  expect(sd).toBeGreaterThan(0.03)
  expect(sd).toBeLessThan(0.06)
  for (const [i, load] of loads.entries()) expect(Math.abs(load - (loads[i - 1] ?? load))).toBeLessThan(0.05)
})
