import { expect, test } from 'vitest'
import { fridge } from '../../../simulators/models/fridge.ts'

const minuteMs = 60_000
const hourMs = 3_600_000
const day = Date.UTC(2026, 10, 20)
const secondMs = 1_000

interface FridgeReading {
  readonly temperature_c: number
  readonly compressor_on: boolean
  readonly door_open: boolean
  readonly power_w: number
}
const readings = (id: string, from: number, to: number, stepMs: number) => {
  const device = fridge.create(42, id)
  return Array.from(
    { length: (to - from) / stepMs },
    (_, i) => device.valuesAt(from + i * stepMs) as unknown as FridgeReading,
  )
}

test('undisturbed at night it is on for about 20 min and off for about 40', () => {
  const night = readings('a', day, day + 6 * hourMs, secondMs)
  const runs: { isOn: boolean; minutes: number }[] = []
  for (const { compressor_on: isOn } of night) {
    if (runs.at(-1)?.isOn !== isOn) runs.push({ isOn, minutes: 0 })
    runs.at(-1)!.minutes += secondMs / minuteMs
  }
  const whole = runs.slice(1, -1)
  expect(whole.length).toBeGreaterThan(8)
  for (const { isOn, minutes } of whole) {
    expect(minutes).toBeGreaterThan((isOn ? 20 : 40) * 0.85)
    expect(minutes).toBeLessThan((isOn ? 20 : 40) * 1.15)
  }
})

test('at night the thermostat keeps it between 3 and 5 °C', () => {
  for (const { temperature_c, door_open } of readings('a', day, day + 6 * hourMs, 10 * secondMs)) {
    expect(door_open).toBe(false)
    expect(temperature_c).toBeGreaterThanOrEqual(3)
    expect(temperature_c).toBeLessThanOrEqual(5)
  }
})

test('an open door warms it, and what is warm is cooled again; nothing jumps', () => {
  const all = readings('b', day, day + 48 * hourMs, secondMs)
  let opened = 0
  const jumps: FridgeReading[] = []
  const cooledByDoor: FridgeReading[] = []
  const warmedByCompressor: FridgeReading[] = []
  for (let i = 1; i < all.length; i++) {
    const [before, now] = [all[i - 1]!, all[i]!]
    const change = now.temperature_c - before.temperature_c
    // (22 − 3) K / 600 s with the door open; when filled, at most 2.5 K in 120 s.
    if (Math.abs(change) > 0.05) jumps.push(now)
    const isOpen = before.door_open && now.door_open
    if (isOpen) opened++
    if (isOpen && change < -0.001) cooledByDoor.push(now)
    const isCooling = !before.door_open && !now.door_open && before.compressor_on && now.compressor_on
    if (isCooling && change > 0.001) warmedByCompressor.push(now)
  }
  expect({ jumps, cooledByDoor, warmedByCompressor }).toEqual({
    jumps: [],
    cooledByDoor: [],
    warmedByCompressor: [],
  })
  expect(opened).toBeGreaterThan(300)
})

test('a healthy one stays below 8 °C, and its compressor well below 0.6 of any three hours', () => {
  let warmest = 0
  let mostOn = 0
  for (const id of ['a', 'b', 'c', 'd', 'e']) {
    const weeks = readings(id, day, day + 14 * 24 * hourMs, minuteMs)
    let on = 0
    for (const [i, { compressor_on, temperature_c, power_w }] of weeks.entries()) {
      if (power_w > 50 !== compressor_on) throw new Error(`${power_w} W while on is ${compressor_on}`)
      warmest = Math.max(warmest, temperature_c)
      on += Number(compressor_on)
      if (i >= 180) on -= Number(weeks[i - 180]!.compressor_on)
      mostOn = Math.max(mostOn, on / 180)
    }
  }
  expect(warmest).toBeLessThan(8)
  expect(mostOn).toBeLessThan(0.58)
})
