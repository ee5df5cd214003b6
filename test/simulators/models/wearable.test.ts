import { expect, test } from 'vitest'
import { wearable } from '../../../simulators/models/wearable.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const day = Date.UTC(2026, 10, 20)
const stepMs = 10_000
const person = wearable.create(42, 'person')
const readings = Array.from({ length: dayMs / stepMs }, (_, i) => {
  const time = day + i * stepMs
  return { time, ...person.valuesAt(time) } as { time: number; activity: string } & Record<string, number>
})
const during = (activity: string) => readings.filter((reading) => reading.activity === activity)
const mean = (numbers: number[]) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length

test('sleeps, sits, walks and runs in a day', () => {
  expect(mean(readings.map(({ activity }) => Number(activity === 'sleep')))).toBeCloseTo(8 / 24, 2)
  expect(during('walk').length * stepMs).toBe(16 * 5 * 60_000)
  expect(during('run').length * stepMs).toBe(20 * 60_000)
})

test('heart rate goes with activity and stays within what a heart can do', () => {
  const rate = (activity: string) => mean(during(activity).map(({ heart_rate_bpm }) => heart_rate_bpm!))
  expect(rate('sleep')).toBeLessThan(rate('sit'))
  expect(rate('sit') + 10).toBeLessThan(rate('walk'))
  expect(rate('walk') + 30).toBeLessThan(rate('run'))
  for (const { heart_rate_bpm } of readings) {
    if (heart_rate_bpm! < 38 || heart_rate_bpm! > 195) throw new Error(`${heart_rate_bpm} bpm`)
  }
})

test('heart rate follows in tens of seconds, up faster than down, and never jumps', () => {
  const start = readings.findIndex(({ activity }) => activity === 'run')
  const end = readings.findLastIndex(({ activity }) => activity === 'run') + 1
  const rate = (index: number) => readings[index]!.heart_rate_bpm!
  const [resting, plateau] = [rate(start - 1), mean([1, 2, 3, 4].map((i) => rate(end - i)))]
  const rise = plateau - resting
  // 63 % after 40 s; after 80 s of rest 37 % are left.
  expect((rate(start + 4) - resting) / rise).toBeGreaterThan(0.45)
  expect((rate(start + 4) - resting) / rise).toBeLessThan(0.8)
  expect(rate(end + 4) - resting).toBeGreaterThan(0.4 * rise)
  for (let i = 1; i < readings.length; i++) expect(Math.abs(rate(i) - rate(i - 1))).toBeLessThan(40)
})

test('steps are made by walking and running only', () => {
  for (let i = 1; i < readings.length; i++) {
    const made = readings[i]!.steps! - readings[i - 1]!.steps!
    const { activity } = readings[i - 1]!
    if (activity === 'walk' || activity === 'run') expect(made).toBeGreaterThan(15)
    else expect(made).toBe(0)
  }
  const next = person.valuesAt(day + dayMs).steps as number
  expect(next - readings[0]!.steps!).toBe(12_000)
})

test('breath, pressure and oxygen are those of a healthy person', () => {
  const range = (of: typeof readings, metric: string) => {
    const values = of.map((reading) => reading[metric]!)
    return [Math.min(...values), Math.max(...values)] as const
  }
  const within = (metric: string, least: number, most: number, of = readings) => {
    const [min, max] = range(of, metric)
    expect.soft(min, metric).toBeGreaterThanOrEqual(least)
    expect.soft(max, metric).toBeLessThanOrEqual(most)
  }
  within('spo2_pct', 92, 100)
  within('temperature_c', 35.5, 38.1)
  within('skin_temperature_c', 30, 36.5)
  within('systolic_mmhg', 85, 190)
  within('respiration_rate_bpm', 12, 20, during('sleep'))
  expect(mean(during('run').map(({ respiration_rate_bpm }) => respiration_rate_bpm!))).toBeGreaterThan(25)
  expect(mean(during('sleep').map(({ spo2_pct }) => spo2_pct!))).toBeLessThan(
    mean(during('sit').map(({ spo2_pct }) => spo2_pct!)) - 0.5,
  )
})
