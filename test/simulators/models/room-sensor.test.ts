import { expect, test } from 'vitest'
import type { ModelSettings } from '../../../simulators/models/model.ts'
import { roomSensor } from '../../../simulators/models/room-sensor.ts'
import { faultOf } from './fault-of.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
/** A Friday. */
const friday = Date.UTC(2026, 10, 20)

interface RoomReading {
  readonly at: number
  readonly temperature_c: number
  readonly co2_ppm: number
  readonly heating_pct: number
  readonly light_lx: number
  readonly occupied: number
}
function readings(id: string, from: number, lastsMs: number, settings?: ModelSettings): RoomReading[] {
  const device = roomSensor.create(42, id, settings)
  return Array.from({ length: lastsMs / minuteMs }, (_, i) => {
    const at = from + i * minuteMs
    return { at, ...device.valuesAt(at) } as unknown as RoomReading
  })
}
const mean = (numbers: number[]) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length
/** The first of `fault` within a cold day, and what would have been without it. */
const opened = (onsetMs: number, lastsMs: number) => {
  const fault = faultOf('window_left_open', onsetMs, lastsMs)
  return { fault, device: roomSensor.create(42, 'd', { faults: [fault] }) }
}

test('with nobody airing CO2 settles where people and ventilation balance', () => {
  const parameters = { airing: false }
  const office = readings('office', friday, dayMs, { parameters })
  const byHour = (hour: number) => mean(office.slice(hour * 60, hour * 60 + 60).map(({ co2_ppm }) => co2_ppm))
  expect(byHour(6)).toBeLessThan(430)
  // 420 + n · 330 / (0.5 + 0.35 n) for one to three people.
  const balance = [1, 2, 3].map((n) => 420 + (n * 330) / (0.5 + 0.35 * n))
  const nearest = Math.min(...balance.map((ppm) => Math.abs(ppm - byHour(15))))
  expect(nearest).toBeLessThan(10)
  expect(byHour(11)).toBeLessThan(byHour(15))
})

test('CO2 decays by the ventilation once they have left: by half in 1.4 h', () => {
  const office = readings('office', friday, dayMs)
  const left = office.findLastIndex(({ occupied }) => occupied === 1) + 20
  const over = (index: number) => mean(office.slice(index, index + 12).map(({ co2_ppm }) => co2_ppm - 420))
  expect(over(left + 83) / over(left)).toBeGreaterThan(0.45)
  expect(over(left + 83) / over(left)).toBeLessThan(0.55)
})

test('people air a full room: CO2 stays below 1,000 ppm, and falls fast when they do', () => {
  for (const home of [false, true]) {
    for (const id of ['a', 'b', 'c']) {
      const weeks = readings(id, friday, 14 * dayMs, {
        parameters: { use: home ? 'home' : 'office', people_max: 6 },
      })
      expect(Math.max(...weeks.map(({ co2_ppm }) => co2_ppm))).toBeLessThan(1_000)
      const airings = weeks.filter(({ co2_ppm }, i) => i >= 5 && weeks[i - 5]!.co2_ppm - co2_ppm > 150)
      expect(airings.length).toBeGreaterThan(5)
    }
  }
  const bad = readings('a', friday, 7 * dayMs, { parameters: { people_max: 6, airing: false } })
  expect(Math.max(...bad.map(({ co2_ppm }) => co2_ppm))).toBeGreaterThan(1_000)
})

test('nothing jumps, over midnights, the week’s end and when the weather changes the anchor', () => {
  for (const from of [friday, Date.UTC(2026, 6, 10)]) {
    const weeks = readings('a', from, 21 * dayMs, { parameters: { use: 'home', airing: false } })
    let [ppm, kelvin] = [0, 0]
    for (let i = 1; i < weeks.length; i++) {
      ppm = Math.max(ppm, Math.abs(weeks[i]!.co2_ppm - weeks[i - 1]!.co2_ppm))
      kelvin = Math.max(kelvin, Math.abs(weeks[i]!.temperature_c - weeks[i - 1]!.temperature_c))
    }
    // 990 ppm an hour are 16.5 a minute; the sensor's noise may add some.
    expect(ppm).toBeLessThan(60)
    expect(kelvin).toBeLessThan(0.25)
  }
})

test('in an office nobody is there at night and at the week-end, at home they are; who is awake has light', () => {
  const share = (of: RoomReading[], from: number, to: number) =>
    mean(
      of
        .filter(({ at }) => (at % dayMs) / hourMs >= from && (at % dayMs) / hourMs < to)
        .map((one) => one.occupied),
    )
  const office = readings('a', friday, 3 * dayMs)
  expect(share(office.slice(0, 1440), 9.5, 16.5)).toBe(1)
  expect(share(office, 18, 24) + share(office, 0, 8)).toBe(0)
  expect(share(office.slice(1440), 0, 24)).toBe(0)
  const home = readings('a', friday - 4 * dayMs, 4 * dayMs, { parameters: { use: 'home' } })
  expect(share(home, 0, 7)).toBe(1)
  expect(share(home, 9, 16)).toBe(0)
  expect(share(home, 18.5, 24)).toBe(1)
  expect(home.find(({ at, light_lx }) => (at % dayMs) / hourMs === 3 && light_lx > 0)).toBeUndefined()
  expect(
    home.filter(({ at }) => (at % dayMs) / hourMs === 20).every(({ light_lx }) => light_lx === 350),
  ).toBe(true)
})

test('the thermostat keeps 18 °C at night and 20 by day, with a valve that opens by what is missing', () => {
  const winter = readings('a', Date.UTC(2027, 0, 11), 14 * dayMs)
  const between = (from: number, to: number) =>
    winter.filter(({ at }) => (at % dayMs) / hourMs >= from && (at % dayMs) / hourMs < to)
  expect(mean(between(3, 6).map(({ temperature_c }) => temperature_c))).toBeCloseTo(17.8, 0)
  expect(mean(between(9, 21).map(({ temperature_c }) => temperature_c))).toBeCloseTo(19.8, 0)
  expect(Math.max(...between(6, 6.2).map(({ heating_pct }) => heating_pct))).toBe(100)
  expect(mean(between(3, 5).map(({ heating_pct }) => heating_pct))).toBeGreaterThan(5)
  expect(Math.max(...readings('a', Date.UTC(2027, 6, 10), 7 * dayMs).map((one) => one.heating_pct))).toBe(0)
})

test('a window left open in winter: warmth and CO2 go outdoors, the heating opens wide', () => {
  const onsetMs = Date.UTC(2027, 0, 13, 13)
  const { fault, device } = opened(onsetMs, 3 * hourMs)
  const at = (minutes: number) => device.valuesAt(onsetMs + minutes * minuteMs) as Record<string, number>
  const [before, ...after] = [0, 10, 40, 120].map((minutes) => at(minutes).temperature_c!)
  expect(before! - after[0]!).toBeGreaterThan(2)
  // With a time constant of 40 minutes two thirds of the whole fall are in the first 40.
  expect((before! - after[1]!) / (before! - after[2]!)).toBeGreaterThan(0.55)
  expect((before! - after[1]!) / (before! - after[2]!)).toBeLessThan(0.75)
  expect(at(40).heating_pct).toBe(100)
  expect(at(60).co2_ppm).toBeLessThan(600)
  expect(device.consequenceOf!(fault)).toEqual({ detectableFromMs: onsetMs + 10 * minuteMs })
  // Shut again, the room warms.
  expect(at(240).temperature_c).toBeGreaterThan(after[2]! + 2)
})

test('in summer a window left open shows nothing', () => {
  const { fault, device } = opened(Date.UTC(2027, 6, 13, 13), 3 * hourMs)
  expect(device.consequenceOf!(fault)).toEqual({ detectableFromMs: fault.endMs })
})

test('until a window is left open the room is as it is without', () => {
  const onsetMs = Date.UTC(2027, 0, 13, 13)
  const { device } = opened(onsetMs, hourMs)
  const without = roomSensor.create(42, 'd')
  for (let at = onsetMs - 3 * hourMs; at <= onsetMs; at += 7 * minuteMs) {
    expect(device.valuesAt(at)).toEqual(without.valuesAt(at))
  }
})

test('reads the same in whatever order it is asked, also within a window left open', () => {
  const onsetMs = Date.UTC(2027, 0, 13, 13)
  const times = Array.from({ length: 300 }, (_, i) => onsetMs - 5 * dayMs + i * 67 * minuteMs + i)
  const forward = times.map(opened(onsetMs, hourMs).device.valuesAt)
  const { device } = opened(onsetMs, hourMs)
  const shuffled = times.map((_, i) => (i * 89) % times.length)
  for (const i of shuffled) expect(device.valuesAt(times[i]!)).toEqual(forward[i])
})
