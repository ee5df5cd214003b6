import { describe, expect, test } from 'vitest'
import { type HeldReading, HeldReadings } from '../../rules/held-readings.ts'

const reading = (
  time: number,
  device = 'a',
  values: HeldReading['values'] = { x: time },
  receivedAt = time,
) => ({
  time,
  device,
  values,
  receivedAt,
})

function heldOf(...readings: HeldReading[]): HeldReadings {
  const held = new HeldReadings()
  for (const one of readings) held.add(one)
  return held
}

const named = (readings: readonly HeldReading[]) => readings.map(({ time, device }) => `${time} ${device}`)

describe('held readings', () => {
  test('are in order of time and, of one time, of device, however they came', () => {
    const order = ['1 a', '2 a', '2 b', '2 c', '3 a', '3 b']
    for (let shift = 0; shift < order.length; shift++) {
      const came = [...order.slice(shift), ...order.slice(0, shift).reverse()]
      const held = heldOf(...came.map((name) => reading(Number(name[0]), name[2])))
      expect(named(held.all())).toEqual(order)
      expect(held.size).toBe(6)
    }
  })

  test('of one device and time become one, the later value of a metric in the place of the earlier', () => {
    const held = heldOf(reading(2, 'a', { x: 1, y: 1 }, 10), reading(1), reading(2, 'b'), reading(3))
    const merged = held.add(reading(2, 'a', { y: 2, z: 2 }, 20))
    // It waits since the first of them came.
    expect(merged).toEqual({ time: 2, device: 'a', values: { x: 1, y: 2, z: 2 }, receivedAt: 10 })
    expect(named(held.all())).toEqual(['1 a', '2 a', '2 b', '3 a'])
    expect(held.all()[1]).toBe(merged)
  })

  test('are given as they are held, for them to be kept', () => {
    const one = reading(1)
    expect(new HeldReadings().add(one)).toBe(one)
  })

  test('are let go up to a time, included, oldest first, once', () => {
    const held = heldOf(reading(3), reading(1), reading(2, 'b'), reading(2, 'a'), reading(4))
    expect(named(held.release(0))).toEqual([])
    expect(named(held.release(2))).toEqual(['1 a', '2 a', '2 b'])
    expect(named(held.release(2))).toEqual([])
    expect(held.oldest).toMatchObject({ time: 3 })
    expect(named(held.release(9))).toEqual(['3 a', '4 a'])
    expect([held.size, held.oldest]).toEqual([0, undefined])
  })

  test('tell the newest up to a time, included', () => {
    const held = heldOf(reading(2), reading(5))
    expect([1, 2, 4, 5, 9].map((until) => held.newestUntil(until))).toEqual([undefined, 2, 2, 5, 5])
  })
})
