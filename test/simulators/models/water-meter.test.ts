import { expect, test } from 'vitest'
import { waterMeter } from '../../../simulators/models/water-meter.ts'

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
