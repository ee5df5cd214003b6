import { expect, test } from 'vitest'
import type { SimulatedDevice } from '../../../simulators/models/model.ts'
import { waterMeter } from '../../../simulators/models/water-meter.ts'
import { faultOf } from './fault-of.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const day = Date.UTC(2026, 10, 20)
const read = (id: string, timeMs: number) =>
  waterMeter.create(42, id).valuesAt(timeMs) as Record<string, number>

test('no water flows at night, and the register stands still', () => {
  for (const id of ['a', 'b', 'c']) {
    const device = waterMeter.create(42, id)
    for (let night = 0; night < 30; night++) {
      const [from, to] = [day + night * dayMs - 1.5 * hourMs, day + night * dayMs + 6 * hourMs]
      const flows = new Set<unknown>()
      for (let t = from; t < to; t += 60_000) flows.add(device.valuesAt(t).flow_l_h)
      expect([...flows]).toEqual([0])
      expect(device.valuesAt(to).volume_m3).toBe(device.valuesAt(from).volume_m3)
    }
  }
})

test('the register is the integral of the flow', () => {
  const device = waterMeter.create(42, 'a')
  const stepMs = 1_000
  const first = device.valuesAt(day).volume_m3 as number
  let litres = 0
  let furthest = 0
  for (let t = day; t < day + 2 * dayMs; t += stepMs) {
    const { flow_l_h, volume_m3 } = device.valuesAt(t) as Record<string, number>
    furthest = Math.max(furthest, Math.abs(litres - (volume_m3! - first) * 1000))
    litres += (flow_l_h! * stepMs) / hourMs
  }
  expect(litres).toBeGreaterThan(50)
  // A tap begins and ends somewhere within a second of 0.1 L.
  expect(furthest).toBeLessThan(2)
})

test('a person uses 95 litres a day', () => {
  const days = 200
  const perDay = ['a', 'b', 'c', 'd', 'e', 'f'].map(
    (id) => ((read(id, day + days * dayMs).volume_m3! - read(id, day).volume_m3!) * 1000) / days,
  )
  for (const litres of perDay) {
    const people = Math.round(litres / 95)
    expect([1, 2, 3, 4]).toContain(people)
    expect(Math.abs(litres - 95 * people)).toBeLessThan(1)
  }
})

test('mornings and evenings are the peaks', () => {
  const litres = (fromHour: number, toHour: number) => {
    let sum = 0
    for (let d = 0; d < 60; d++) {
      const at = (hour: number) => read('a', day + d * dayMs + hour * hourMs).volume_m3!
      sum += at(toHour) - at(fromHour)
    }
    return sum / (toHour - fromHour)
  }
  expect(litres(6, 9)).toBeGreaterThan(1.5 * litres(13, 16))
  expect(litres(18, 21)).toBeGreaterThan(1.5 * litres(13, 16))
})

test('as many people live there as is said', () => {
  const device = waterMeter.create(42, 'a', { parameters: { people: 7 } })
  const litres = (at: number) => (device.valuesAt(at).volume_m3 as number) * 1000
  expect(Math.abs((litres(day + 100 * dayMs) - litres(day)) / 100 - 7 * 95)).toBeLessThan(2)
})

test('a leak flows from its onset to its end, and the register counts it', () => {
  const fault = faultOf('water_leak', day + 10.3 * hourMs, 50 * hourMs, { severity: 1.5 })
  const [tight, leaky] = [undefined, [fault]].map((faults) =>
    waterMeter.create(42, 'a', faults === undefined ? {} : { faults }),
  ) as [SimulatedDevice, SimulatedDevice]
  let before = 0
  for (let at = day; at < day + 4 * dayMs; at += 300_000) {
    const [own, shown] = [tight, leaky].map((one) => one.valuesAt(at) as Record<string, number>)
    const isLeaking = at >= fault.onsetMs && at < fault.endMs
    expect(shown!.flow_l_h! - own!.flow_l_h!).toBeCloseTo(isLeaking ? 30 : 0, 6)
    const hours = Math.min(50, Math.max(0, (at - fault.onsetMs) / hourMs))
    expect(Math.abs(shown!.volume_m3! - own!.volume_m3! - 0.03 * hours)).toBeLessThan(0.0002)
    expect(shown!.volume_m3).toBeGreaterThanOrEqual(before)
    before = shown!.volume_m3!
  }
})

test('a leak shows at the end of the first hour in which the home itself uses nothing', () => {
  const lastsMs = 3 * dayMs
  for (const [id, onsetHour] of [
    ['a', 7],
    ['b', 12.5],
    ['c', 18],
    ['d', 23],
  ] as const) {
    const fault = faultOf('water_leak', day + onsetHour * hourMs, lastsMs)
    const device = waterMeter.create(42, id, { faults: [fault], parameters: { people: 4 } })
    const tight = waterMeter.create(42, id, { parameters: { people: 4 } })
    const { detectableFromMs } = device.consequenceOf!(fault)
    const usedWithin = (from: number, to: number) =>
      (tight.valuesAt(to).volume_m3 as number) - (tight.valuesAt(from).volume_m3 as number)
    expect(usedWithin(detectableFromMs - hourMs, detectableFromMs)).toBeLessThan(0.0002)
    for (let at = fault.onsetMs; at + hourMs < detectableFromMs - 60_000; at += 60_000) {
      expect(usedWithin(at, at + hourMs)).toBeGreaterThan(0)
    }
    // At the latest the first night.
    expect(detectableFromMs).toBeLessThanOrEqual(day + 24 * hourMs)
  }
})

test('a leak that ends before such an hour never shows; one that no home could draw shows in half an hour', () => {
  const at = (onsetHour: number, minutes: number, flow_l_h: number) => {
    const fault = faultOf('water_leak', day + onsetHour * hourMs, minutes * 60_000, {
      parameters: { flow_l_h },
    })
    return (
      waterMeter.create(42, 'a', { faults: [fault] }).consequenceOf!(fault).detectableFromMs - fault.onsetMs
    )
  }
  expect(at(7, 40, 20)).toBe(40 * 60_000)
  expect(at(7, 600, 500)).toBe(30 * 60_000)
  expect(at(23, 600, 20)).toBe(60 * 60_000)
})
