import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DeviceRecord } from '../../domain/device.ts'
import {
  Backtest,
  type BacktestBounds,
  type BacktestPlan,
  inOrderOfEvents,
  rulesNamedBy,
  selectedDevices,
} from '../../rules/backtest.ts'
import type { PastReading } from '../../rules/past-readings.ts'
import { Evaluation, fridge, storedRule } from './evaluation.ts'
import { kinds } from './reference/arbitrary-rules.ts'
import { devicesOf } from './reference/world.ts'

const minute = 60_000
const planOf = (rule: Parameters<typeof storedRule>[0], more: Partial<BacktestPlan> = {}): BacktestPlan => ({
  rule: storedRule(rule),
  others: [],
  devices: [{ ...fridge, createdAt: new Date(0).toISOString() }],
  profiles: [],
  ...more,
})
const at = (minutes: number, value: number, device = fridge.id): PastReading => ({
  device,
  time: minutes * minute,
  values: { temperature_c: value },
})

/** Runs it over readings in one go; the transitions as `raised 3`, in minutes. */
function run(plan: BacktestPlan, readings: readonly PastReading[], bounds?: BacktestBounds) {
  const backtest = new Backtest(plan, bounds)
  backtest.add(readings)
  const progress = [...backtest.evaluate(), backtest.finish()]
  const transitions = inOrderOfEvents(progress.flatMap((one) => one.transitions))
  return {
    transitions,
    said: transitions.map(({ transition, time }) => `${transition} ${Date.parse(time) / minute}`),
    evaluated: progress.reduce((sum, one) => sum + one.evaluated, 0),
    isFull: progress.at(-1)!.isFull,
  }
}

/** What random readings seldom bring about: 100 runs have some 30 transitions of these, and 60 and more of every other. */
const rare = new Set(['repeated', 'trend'])

describe('equals live evaluation of sorted input', () => {
  test.each(kinds)('$name', ({ name, cases }) => {
    let transitions = 0
    const stretched = fc.tuple(cases, fc.nat(1_200_000), fc.integer({ min: 1, max: 30 }), fc.boolean())
    fc.assert(
      fc.property(stretched, ([{ rule, readings, world }, more, pieceOf, isReversed]) => {
        fc.pre(readings.length > 0)
        const sorted = readings
          .map(({ device = 'device-1', ts, values }) => ({ device, time: ts, values }))
          .sort((a, b) => a.time - b.time || (a.device < b.device ? -1 : a.device > b.device ? 1 : 0))
        const createdAt = new Date(sorted[0]!.time).toISOString()
        const devices = devicesOf(readings, world).map(
          (id): DeviceRecord => ({
            id,
            type: world.deviceTypes?.[id] ?? 'generic',
            labels: world.labels?.[id] ?? {},
            createdAt,
            secretHash: '',
          }),
        )
        const untilMs = sorted.at(-1)!.time + more
        const [tested, ...others] = [rule, ...(world.otherRules ?? [])].map((one) => storedRule(one))
        const live = new Evaluation([tested!, ...others], { devices })
        for (const { time, ...reading } of sorted) live.give({ ...reading, ts: time })
        live.advance(untilMs)
        const events = live.events.filter(({ data }) => data.rule === rule.id)
        const expected = events.map(({ id, time, data }) => ({
          id,
          time,
          device: data.device,
          transition: data.state,
          since: data.since,
          severity: data.severity,
          ...('value' in data ? { value: data.value } : {}),
          ...('threshold' in data ? { threshold: data.threshold } : {}),
          message: data.message,
          evidence: data.evidence,
        }))

        const backtest = new Backtest({ rule: tested!, others, devices, profiles: [], untilMs })
        const found = []
        // By stretches of time, each told in any order of devices.
        for (let first = 0; first < sorted.length; ) {
          let end = Math.min(first + pieceOf, sorted.length)
          while (end < sorted.length && sorted[end]!.time === sorted[end - 1]!.time) end++
          const stretch = sorted.slice(first, end)
          backtest.add(isReversed ? stretch.toSorted((a, b) => b.device.localeCompare(a.device)) : stretch)
          for (const progress of backtest.evaluate()) found.push(...progress.transitions)
          first = end
        }
        found.push(...backtest.finish().transitions)
        expect(inOrderOfEvents(found)).toEqual(inOrderOfEvents(expected as typeof found))
        transitions += found.length
      }),
      { numRuns: rare.has(name) ? 400 : 100 },
    )
    // Of connections nothing is stored.
    if (name !== 'flapping') expect(transitions).toBeGreaterThan(20)
  })
})

describe('the clock', () => {
  const absent = { when: { kind: 'absence', longerThan: '10m' } as const }

  test('runs to the end, included', () => {
    const readings = [at(0, 1), at(5, 1)]
    expect(run(planOf(absent, { untilMs: 15 * minute - 1 }), readings).said).toEqual([])
    expect(run(planOf(absent, { untilMs: 15 * minute }), readings).said).toEqual(['raised 15'])
  })

  test('ends at the last reading where no end is given', () => {
    const two = {
      devices: [fridge, { ...fridge, id: 'fridge-2' }].map((one) => ({
        ...one,
        createdAt: new Date(0).toISOString(),
      })),
    }
    expect(run(planOf(absent, two), [at(0, 1), at(0, 1, 'fridge-2'), at(9.9, 1)]).said).toEqual([])
    expect(run(planOf(absent, two), [at(0, 1), at(0, 1, 'fridge-2'), at(11, 1)]).said).toEqual([
      'raised 10',
      'raised 10',
      'cleared 11',
    ])
  })

  test('counts from the registration for a device that is never heard', () => {
    expect(run(planOf(absent, { untilMs: 30 * minute }), []).said).toEqual(['raised 10'])
  })

  test('takes nothing from after the end', () => {
    expect(run(planOf({}, { untilMs: 5 * minute }), [at(5, 1), at(6, 9)])).toMatchObject({
      said: [],
      evaluated: 1,
    })
  })
})

test('a transition is told with its value, its limit, its words and its evidence', () => {
  const plan = planOf({ select: { types: ['fridge'], labels: {}, devices: [] } })
  expect(run(plan, [at(1, 8), at(2, 9)]).transitions).toEqual([
    {
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      device: fridge.id,
      transition: 'raised',
      time: '1970-01-01T00:02:00.000Z',
      since: '1970-01-01T00:02:00.000Z',
      severity: 'major',
      value: 9,
      threshold: 8,
      message: 'fridge-1 is 9 °C (limit 8)',
      evidence: [{ ts: 2 * minute, temperature_c: 9 }],
    },
  ])
})

test('a rule that is disabled is tried as if it were not', () => {
  expect(run(planOf({ enabled: false }), [at(1, 9)]).said).toEqual(['raised 1'])
})

test('readings of devices that the rule does not select are not counted', () => {
  const plan = planOf({ select: { types: [], labels: {}, devices: ['fridge-1'] } })
  const both = { ...plan, devices: [...plan.devices, { ...plan.devices[0]!, id: 'fridge-2' }] }
  expect(run(both, [at(1, 9), at(1, 9, 'fridge-2')])).toMatchObject({ said: ['raised 1'], evaluated: 1 })
})

test('limits are those of the device’s labels', () => {
  const when = { kind: 'threshold', metric: 'temperature_c', above: { label: 'max', default: 8 } } as const
  const [device] = planOf({}).devices
  const warm = { ...device!, labels: { max: '10' } }
  expect(run(planOf({ when }, { devices: [warm] }), [at(1, 9), at(2, 11)]).said).toEqual(['raised 2'])
})

describe('other rules', () => {
  const power = storedRule({ id: 'power', when: { kind: 'threshold', metric: 'power_w', below: 1 } })

  test('that suppress it take part, and are not told of', () => {
    const readings = [
      { device: fridge.id, time: 0, values: { power_w: 0 } },
      at(1, 9),
      { device: fridge.id, time: 2 * minute, values: { power_w: 5 } },
      at(3, 1),
      at(4, 9),
    ]
    const suppressed = { suppressedBy: ['power'] }
    expect(run(planOf(suppressed), readings).said).toEqual(['raised 1', 'cleared 3', 'raised 4'])
    expect(run(planOf(suppressed, { others: [power] }), readings).said).toEqual(['raised 4'])
  })

  test('are those that it names, and those that they name, each once', () => {
    const flaps = storedRule({
      id: 'flaps',
      when: { kind: 'flapping', of: { rule: 'power' }, above: 0.5, clear: 0.25 },
    })
    const rules = new Map([power, flaps, storedRule({ id: 'other' })].map((rule) => [rule.id, rule]))
    const named = rulesNamedBy(storedRule({ suppressedBy: ['flaps', 'power', 'nobody'] }), (id) =>
      rules.get(id),
    )
    expect(named.map(({ id }) => id).sort()).toEqual(['flaps', 'power'])
  })
})

test('of a registry the devices that the rule selects are taken, without their secrets', () => {
  const rule = storedRule({ select: { types: ['fridge'], labels: { site: 'berlin' }, devices: [] } })
  const devices = [fridge, { ...fridge, id: 'b', labels: {} }, { ...fridge, id: 'c', type: 'generic' }]
  const { secretHash: _, ...known } = fridge
  expect(selectedDevices(rule, devices)).toEqual([known])
})

describe('bounds', () => {
  const alternating = Array.from({ length: 10 }, (_, n) => at(n, n % 2 === 0 ? 9 : 1))

  test('of readings cut it at a time, whatever the devices', () => {
    const bounds = { readingsMax: 4, transitionsMax: 100 }
    const all = ['raised 0', 'cleared 1', 'raised 2', 'cleared 3']
    expect(run(planOf({}), alternating, bounds)).toMatchObject({ said: all, evaluated: 4, isFull: true })
    expect(run(planOf({}), alternating.slice(0, 4), bounds)).toMatchObject({ evaluated: 4, isFull: false })
  })

  test('of transitions cut it too', () => {
    const bounds = { readingsMax: 100, transitionsMax: 3 }
    expect(run(planOf({}), alternating, bounds)).toMatchObject({
      said: ['raised 0', 'cleared 1', 'raised 2'],
      isFull: true,
    })
    expect(run(planOf({}), alternating.slice(0, 3), bounds)).toMatchObject({ isFull: false })
  })

  test('after a cut the clock does not run on', () => {
    const when = { kind: 'absence', longerThan: '10m' } as const
    const bounds = { readingsMax: 4, transitionsMax: 100 }
    expect(run(planOf({ when }, { untilMs: 60 * minute }), alternating, bounds).said).toEqual([])
  })

  test('what comes after a full stretch is a cut', () => {
    const backtest = new Backtest(planOf({}), { readingsMax: 4, transitionsMax: 100 })
    backtest.add(alternating.slice(0, 4))
    expect([...backtest.evaluate()].at(-1)!.isFull).toBe(false)
    backtest.add(alternating.slice(4))
    expect([...backtest.evaluate()].at(-1)).toMatchObject({ isFull: true, evaluated: 0 })
  })
})

test('what is forgotten is not evaluated', () => {
  const backtest = new Backtest(planOf({}))
  backtest.add([at(1, 9)])
  backtest.forget()
  backtest.add([at(2, 9)])
  expect([...backtest.evaluate()].flatMap(({ transitions }) => transitions)).toHaveLength(1)
  expect(backtest.finish().transitions).toEqual([])
})
