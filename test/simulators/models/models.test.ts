import { describe, expect, test } from 'vitest'
import { shippedProfiles } from '../../../domain/shipped-profiles.ts'
import {
  type DeviceModel,
  endMs,
  epochMs,
  type ModelSettings,
  type SimulatedDevice,
} from '../../../simulators/models/model.ts'
import { models } from '../../../simulators/models/models.ts'

/** Times of every kind: the ends of what the platform takes, nights, days, week-ends, a leap day, a new year. */
const times = [
  epochMs,
  endMs - 1,
  Date.UTC(2015, 1, 11, 14, 48),
  Date.UTC(2024, 1, 29, 3, 0, 17, 250),
  ...Array.from({ length: 2_000 }, (_, i) => Date.UTC(2026, 10, 20) + i * 517_003),
]

test('there is a model for each kind of device that ships, named like it, and no name is there twice', () => {
  const names = models.map(({ name }) => name)
  for (const { type } of shippedProfiles) if (type !== 'generic') expect(names).toContain(type)
  expect(new Set(names).size).toBe(names.length)
})

describe.each(models)('$name', (model) => {
  const device = model.create(7, 'a')

  test('sends only what its profile knows, within the ranges and of the types it fixes', () => {
    expect(wrongValues(model, device, times)).toEqual([])
  })

  test('so with whatever parameters it takes', () => {
    const few = times.filter((_, i) => i % 20 === 0)
    for (const parameters of extremes(model)) {
      const wrong = wrongValues(model, model.create(7, 'a', { parameters }), few)
      if (wrong.length > 0) throw new Error(`${JSON.stringify(parameters)}: ${JSON.stringify(wrong[0])}`)
    }
  })

  test('reads the same at the same time in whatever order it is asked, by whichever object', () => {
    const forward = times.map((time) => device.valuesAt(time))
    const again = model.create(7, 'a')
    const backward = [...times].reverse().map((time) => again.valuesAt(time))
    expect(backward.reverse()).toEqual(forward)
  })

  test('reads differently with another seed, and as another device', () => {
    const readings = (seed: number, id: string) => {
      const other = model.create(seed, id)
      return times.map((time) => other.valuesAt(time))
    }
    expect(readings(8, 'a')).not.toEqual(readings(7, 'a'))
    expect(readings(7, 'b')).not.toEqual(readings(7, 'a'))
  })

  test('its counters never fall', () => {
    const counters = Object.entries(shippedProfiles.find(({ type }) => type === model.type)!.metrics)
      .filter(([, { kind }]) => kind === 'counter')
      .map(([name]) => name)
    const sorted = [...times, ...midnights()].sort((a, b) => a - b)
    for (const name of counters) {
      if (device.valuesAt(epochMs)[name] === undefined) continue
      let before = 0
      for (const time of sorted) {
        const value = device.valuesAt(time)[name] as number
        if (value < before)
          throw new Error(`${name} falls from ${before} to ${value} at ${new Date(time).toJSON()}`)
        before = value
      }
    }
  })
})

/** Around each midnight of a year and a bit, where registers that count by days would jump. */
function midnights(): number[] {
  const first = Date.UTC(2027, 11, 1)
  return Array.from({ length: 400 }, (_, day) => first + day * 86_400_000).flatMap((at) => [
    at - 1,
    at,
    at + 60_000,
  ])
}

/** Each parameter at each of its limits, and all of them together at the first and at the last. */
function extremes({ parameters }: DeviceModel): NonNullable<ModelSettings['parameters']>[] {
  const ends = Object.entries(parameters).flatMap(([name, { takes }]) => {
    if (takes === 'text') return []
    return [{ name, values: 'from' in takes ? [takes.from, takes.to] : takes }]
  })
  const all = (at: 0 | -1) => Object.fromEntries(ends.map(({ name, values }) => [name, values.at(at)!]))
  return [...ends.flatMap(({ name, values }) => values.map((value) => ({ [name]: value }))), all(0), all(-1)]
}

function wrongValues(model: DeviceModel, device: SimulatedDevice, at: readonly number[]): object[] {
  const { metrics } = shippedProfiles.find(({ type }) => type === model.type)!
  const typeOf = new Map<string, string>()
  const wrong: object[] = []
  for (const time of at) {
    for (const [name, value] of Object.entries(device.valuesAt(time))) {
      const metric = metrics[name]
      if (metric === undefined) {
        // The profile of `generic` lists none.
        if (model.type !== 'generic') throw new Error(`${name} is not in the profile`)
        if (Number.isNaN(value)) wrong.push({ name, value, time })
        continue
      }
      // Of a state without a type the first value decides for all.
      const expected = metric.kind === 'state' ? (metric.type ?? typeOf.get(name)) : 'number'
      const isRightType = expected === undefined || typeof value === expected
      const isInRange =
        typeof value !== 'number' ||
        (Number.isFinite(value) && value >= (metric.min ?? value) && value <= (metric.max ?? value))
      if (!isRightType || !isInRange) wrong.push({ name, value, time })
      typeOf.set(name, typeof value)
    }
  }
  return wrong
}
