import { expect, test } from 'vitest'
import type { ModelSettings } from '../../../simulators/models/model.ts'
import { wearable } from '../../../simulators/models/wearable.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const day = Date.UTC(2026, 10, 20)
const stepMs = 10_000
const days = 3

interface WearableReading {
  readonly time: number
  readonly heart_rate_bpm: number
  readonly spo2_pct: number
  readonly respiration_rate_bpm: number
  readonly systolic_mmhg: number
  readonly temperature_c: number
  readonly skin_temperature_c: number
  readonly activity: string
  readonly on_wrist: boolean
  readonly steps: number
}
function readingsOf(id: string, lastsMs: number, everyMs = stepMs, settings?: ModelSettings) {
  const device = wearable.create(42, id, settings)
  return Array.from({ length: lastsMs / everyMs }, (_, i) => {
    const time = day + i * everyMs
    return { time, ...device.valuesAt(time) } as unknown as WearableReading
  })
}
const healthy = { parameters: { off_wrist: false, cadence_lock: false, age: 40, rest_bpm: 60 } }
const people = ['a', 'b', 'c', 'd'].map((id) => readingsOf(id, days * dayMs, stepMs, healthy))
const all = people.flat()
const during = (activity: string, of = all) => of.filter((reading) => reading.activity === activity)
const mean = (numbers: number[]) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length
const meanOf = (activity: string, metric: 'heart_rate_bpm' | 'spo2_pct' | 'respiration_rate_bpm') =>
  mean(during(activity).map((reading) => reading[metric]))

test('people sleep at night, and walk and run by day, each their own way', () => {
  const many = Array.from({ length: 30 }, (_, n) => readingsOf(`p${n}`, 14 * dayMs, 300_000, healthy)).flat()
  const hours = (activity: string) => (24 * during(activity, many).length) / many.length
  expect(hours('sleep')).toBeGreaterThan(7)
  expect(hours('sleep')).toBeLessThan(9)
  expect(hours('walk')).toBeGreaterThan(0.9)
  expect(hours('walk')).toBeLessThan(1.7)
  expect(hours('run')).toBeGreaterThan(0.12)
  expect(hours('run')).toBeLessThan(0.35)
  const at = (hour: number) => many.filter(({ time }) => Math.floor((time % dayMs) / hourMs) === hour)
  expect(during('sleep', at(3)).length / at(3).length).toBeGreaterThan(0.85)
  expect(during('sleep', at(12)).length).toBe(0)
  expect(during('run', at(2)).length).toBe(0)
})

test('what somebody does next depends on what is done now: runs last 25 minutes in the mean', () => {
  const lengths: number[] = []
  for (let n = 0; n < 20; n++) {
    let before = ''
    for (const { activity } of readingsOf(`r${n}`, 30 * dayMs, 300_000, healthy)) {
      if (activity === 'run' && before !== 'run') lengths.push(0)
      if (activity === 'run') lengths[lengths.length - 1]! += 5
      before = activity
    }
  }
  expect(lengths.length).toBeGreaterThan(100)
  expect(mean(lengths)).toBeGreaterThan(19)
  expect(mean(lengths)).toBeLessThan(31)
})

test('heart rate goes with activity as its reserve says', () => {
  // At 40 years and 60 at rest: 60 + (208 − 28 − 60) · effort.
  expect(meanOf('sleep', 'heart_rate_bpm')).toBeCloseTo(54, 0)
  const settled = (activity: string) =>
    people.flatMap((one) =>
      one.filter(
        (_, i) => i >= 60 && one.slice(i - 60, i + 1).every((reading) => reading.activity === activity),
      ),
    )
  expect(mean(settled('sit').map(({ heart_rate_bpm }) => heart_rate_bpm))).toBeCloseTo(66, 0)
  expect(mean(settled('walk').map(({ heart_rate_bpm }) => heart_rate_bpm))).toBeCloseTo(96, -1)
  expect(mean(settled('run').map(({ heart_rate_bpm }) => heart_rate_bpm))).toBeCloseTo(150, -1)
})

test('heart rate follows in 40 s up and 80 s down, and never jumps', () => {
  const changes = (from: string, to: string) =>
    people.flatMap((one) =>
      one.flatMap((reading, i) => {
        const isChange = i >= 30 && i + 30 <= one.length && reading.activity === to
        const cameFrom = one.slice(Math.max(0, i - 30), i).every(({ activity }) => activity === from)
        const stays = one.slice(i, i + 30).every(({ activity }) => activity === to)
        return isChange && cameFrom && stays ? [one.slice(i, i + 30).map((next) => next.heart_rate_bpm)] : []
      }),
    )
  const shareAfter = (of: number[][], seconds: number, from: number, to: number) =>
    mean(of.map((rates) => (rates[seconds / 10]! - from) / (to - from)))
  const up = changes('sit', 'walk')
  const down = changes('walk', 'sit')
  expect(Math.min(up.length, down.length)).toBeGreaterThan(10)
  expect(shareAfter(up, 40, 66, 96)).toBeCloseTo(0.632, 1)
  expect(shareAfter(down, 80, 96, 66)).toBeCloseTo(0.632, 1)
  for (const one of people) {
    for (let i = 1; i < one.length; i++) {
      const jump = Math.abs(one[i]!.heart_rate_bpm - one[i - 1]!.heart_rate_bpm)
      // A heart at 60 that begins to run is a fifth of the way after 10 s.
      if (jump > 35) throw new Error(`${jump} bpm in 10 s`)
    }
  }
})

test('noise of the heart rate has a standard deviation of 2 and remembers', () => {
  const asleep = people.flatMap((one) =>
    one.filter((_, i) => i >= 120 && one.slice(i - 120, i + 1).every(({ activity }) => activity === 'sleep')),
  )
  const rates = asleep.map(({ heart_rate_bpm }) => heart_rate_bpm)
  const centre = mean(rates)
  const variance = mean(rates.map((rate) => (rate - centre) ** 2))
  // Rounding to whole beats adds a twelfth.
  expect(Math.sqrt(variance)).toBeGreaterThan(1.9)
  expect(Math.sqrt(variance)).toBeLessThan(2.2)
  const kept = mean(rates.slice(1).map((rate, i) => (rate - centre) * (rates[i]! - centre))) / variance
  expect(kept).toBeGreaterThan(0.6)
  expect(kept).toBeLessThan(0.75)
})

test('steps are made by walking and running only, about 11,200 a day, and never taken back', () => {
  for (const one of people) {
    for (let i = 1; i < one.length; i++) {
      const made = one[i]!.steps - one[i - 1]!.steps
      const isMoving = one[i - 1]!.activity === 'walk' || one[i - 1]!.activity === 'run'
      if (isMoving ? made < 14 || made > 32 : made !== 0)
        throw new Error(`${made} steps: ${one[i - 1]!.activity}`)
    }
  }
  const device = wearable.create(42, 'a')
  const at = (after: number) => device.valuesAt(day + after * dayMs).steps as number
  const perDay = (at(2_000) - at(0)) / 2_000
  expect(perDay).toBeGreaterThan(11_200 * 0.92)
  expect(perDay).toBeLessThan(11_200 * 1.08)
})

test('every five minutes of 3 years make steps that add up, over the blocks that come to the same', () => {
  const device = wearable.create(42, 'a')
  let before = -1
  for (let time = day; time < day + 1_100 * dayMs; time += 1_800_000) {
    const steps = device.valuesAt(time).steps as number
    const made = steps - before
    if (before >= 0 && (made < 0 || made > 30 * 175)) throw new Error(`${made} steps in half an hour`)
    before = steps
  }
})

test('breath, pressure and oxygen are those of a healthy person', () => {
  const within = (
    metric: Exclude<keyof WearableReading, 'activity' | 'on_wrist'>,
    least: number,
    most: number,
    of = all,
  ) => {
    const values = of.map((reading) => reading[metric])
    expect
      .soft(
        values.reduce((a, b) => Math.min(a, b)),
        metric,
      )
      .toBeGreaterThanOrEqual(least)
    expect
      .soft(
        values.reduce((a, b) => Math.max(a, b)),
        metric,
      )
      .toBeLessThanOrEqual(most)
  }
  within('spo2_pct', 93.9, 99.1)
  within('temperature_c', 36.3, 37.7)
  within('skin_temperature_c', 31.5, 36)
  within('systolic_mmhg', 101, 170)
  within('respiration_rate_bpm', 12, 20, during('sleep'))
  expect(meanOf('run', 'respiration_rate_bpm')).toBeGreaterThan(25)
  expect(meanOf('sit', 'spo2_pct') - meanOf('sleep', 'spo2_pct')).toBeCloseTo(1, 1)
})

test('it is taken off once or twice a day for 10 to 60 minutes, and then knows nothing', () => {
  const lengths: number[] = []
  const week = readingsOf('a', 21 * dayMs, 60_000)
  for (const [i, reading] of week.entries()) {
    if (reading.on_wrist) continue
    if (i === 0 || week[i - 1]!.on_wrist) lengths.push(0)
    lengths[lengths.length - 1]! += 1
    expect(reading.activity).toBe('sit')
    expect(reading.spo2_pct).toBeGreaterThanOrEqual(80)
    expect(reading.spo2_pct).toBeLessThan(90)
    if (i > 0 && !week[i - 1]!.on_wrist) expect(reading.steps).toBe(week[i - 1]!.steps)
  }
  expect(lengths.length).toBeGreaterThanOrEqual(19)
  expect(lengths.length).toBeLessThanOrEqual(42)
  expect(Math.min(...lengths)).toBeGreaterThanOrEqual(10)
  // Two that overlap are one.
  expect(Math.max(...lengths)).toBeLessThanOrEqual(120)
  const off = week.filter(({ on_wrist }) => !on_wrist)
  const pulseless = off.filter(({ heart_rate_bpm }) => heart_rate_bpm === 0).length / off.length
  expect(pulseless).toBeGreaterThan(0.5)
  expect(pulseless).toBeLessThan(0.7)
  expect(Math.min(...off.map(({ skin_temperature_c }) => skin_temperature_c))).toBeLessThan(26)
})

test('cadence lock shows the steps for the heart for one to four minutes, only while walking or running', () => {
  const settings = (cadence_lock: boolean) => ({ parameters: { ...healthy.parameters, cadence_lock } })
  const lengths: number[] = []
  for (const id of ['a', 'b', 'c']) {
    const shown = readingsOf(id, 6 * dayMs, stepMs, settings(true))
    const heart = readingsOf(id, 6 * dayMs, stepMs, settings(false))
    let before = Number.NaN
    for (const [i, { heart_rate_bpm, activity }] of shown.entries()) {
      if (heart_rate_bpm === heart[i]!.heart_rate_bpm) continue
      expect(['walk', 'run']).toContain(activity)
      if (before !== i - 1) lengths.push(0)
      lengths[lengths.length - 1]! += 10
      before = i
      const expected = activity === 'walk' ? 110 : 160
      if (Math.abs(heart_rate_bpm - expected) > 0.14 * expected)
        throw new Error(`${heart_rate_bpm}: ${activity}`)
    }
  }
  expect(lengths.length).toBeGreaterThan(10)
  expect(Math.max(...lengths)).toBeLessThanOrEqual(250)
  expect(mean(lengths)).toBeGreaterThan(60)
})
