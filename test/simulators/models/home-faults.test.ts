import { expect, test } from 'vitest'
import type { Fault } from '../../../simulators/faults/fault.ts'
import { roomSensor } from '../../../simulators/models/room-sensor.ts'
import { waterMeter } from '../../../simulators/models/water-meter.ts'
import { deviceOf, evaluationOf, installedRules } from '../../rules/packs/pack-drive.ts'
import { faultOf } from './fault-of.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
/** A Monday in winter. */
const monday = Date.UTC(2027, 0, 11)

interface Watched {
  readonly model: typeof roomSensor
  readonly packs: readonly string[]
  readonly id: string
  readonly faults?: readonly Fault[]
  readonly parameters?: Record<string, number | boolean | string>
  readonly fromMs: number
  readonly toMs: number
}
/** What the packs say of a device: rule and time of each alarm that was raised. */
function raised({ model, packs, id, faults = [], parameters = {}, fromMs, toMs }: Watched) {
  const device = model.create(42, id, { faults, parameters })
  const rules = packs.flatMap((pack) => installedRules(pack))
  const evaluation = evaluationOf(rules, deviceOf(model.type))
  for (let ts = fromMs; ts < toMs; ts += model.intervalMs) {
    evaluation.give({ ts, device: 'd', values: device.valuesAt(ts) })
  }
  return evaluation.events
    .filter(({ data }) => data.state === 'raised')
    .map(({ data, time }) => ({ rule: data.rule, timeMs: Date.parse(time) }))
}
const room = { model: roomSensor, packs: ['home-energy', 'indoor-air'] }
const meter = { model: waterMeter, packs: ['water'] }

test('rooms that are used and aired, in winter, spring and summer, raise nothing of home-energy and indoor-air', () => {
  const said = [monday, Date.UTC(2027, 3, 12), Date.UTC(2027, 6, 12)].flatMap((fromMs) =>
    ['a', 'b', 'c', 'd'].flatMap((id, n) => {
      const parameters = { use: n % 2 === 0 ? 'home' : 'office', people_max: 2 + n }
      return raised({ ...room, id, parameters, fromMs, toMs: fromMs + 4 * dayMs })
    }),
  )
  expect(said).toEqual([])
})

test('the rule tells of a window left open in winter, once, and not before it shows', () => {
  for (const [n, hour] of [1, 6.5, 9, 13, 18, 22.5].entries()) {
    const onsetMs = monday + dayMs + hour * hourMs
    const fault = faultOf('window_left_open', onsetMs, 4 * hourMs)
    const one = { id: `w${n}`, parameters: { home: n % 2 === 0 } }
    const { consequenceOf } = roomSensor.create(42, one.id, { faults: [fault], parameters: one.parameters })
    const { detectableFromMs } = consequenceOf!(fault)
    expect(detectableFromMs - onsetMs).toBeLessThan(30 * minuteMs)
    const said = raised({ ...room, ...one, faults: [fault], fromMs: monday, toMs: monday + 3 * dayMs })
    expect(
      said.map(({ rule }) => rule),
      `at ${hour}`,
    ).toEqual(['home-energy-window-open'])
    expect(said[0]!.timeMs).toBeGreaterThanOrEqual(detectableFromMs)
    expect(said[0]!.timeMs).toBeLessThan(onsetMs + hourMs)
  }
})

test('homes without a leak raise nothing of water in two weeks', () => {
  const said = Array.from({ length: 20 }, (_, n) =>
    raised({ ...meter, id: `h${n}`, fromMs: monday, toMs: monday + 14 * dayMs }),
  )
  expect(said.flat()).toEqual([])
})

test('the rules tell of a leak of 5 to 60 L/h within a day and a half, and not before it shows', () => {
  for (const [n, hour] of [0.2, 4, 7, 13, 18, 21.5, 23.9].entries()) {
    for (const severity of [0.25, 1, 3]) {
      const onsetMs = monday + hour * hourMs
      const fault = faultOf('water_leak', onsetMs, 4 * dayMs, { severity })
      const parameters = { people: 1 + (n % 5) }
      const id = `l${n}`
      const { detectableFromMs } = waterMeter.create(42, id, { faults: [fault], parameters }).consequenceOf!(
        fault,
      )
      const said = raised({
        ...meter,
        id,
        parameters,
        faults: [fault],
        fromMs: monday - dayMs,
        toMs: fault.endMs,
      })
      expect(said.length).toBeGreaterThan(0)
      for (const { timeMs, rule } of said) expect(timeMs, rule).toBeGreaterThanOrEqual(detectableFromMs)
      expect(said[0]!.timeMs - onsetMs).toBeLessThanOrEqual(36 * hourMs)
    }
  }
})
