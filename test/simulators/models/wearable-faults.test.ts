import { expect, test } from 'vitest'
import type { Fault } from '../../../simulators/faults/fault.ts'
import { wearable } from '../../../simulators/models/wearable.ts'
import { deviceOf, evaluationOf, installedRules } from '../../rules/packs/pack-drive.ts'
import { faultOf } from './fault-of.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const day = Date.UTC(2026, 10, 20)
const stepMs = 10_000
const always = { off_wrist: false, cadence_lock: false, rest_bpm: 60, age: 40 }

type Values = Record<string, number> & { activity: string; on_wrist: boolean; alert: boolean }
function ill(id: string, fault: Fault, parameters: Record<string, boolean | number> = {}) {
  const device = wearable.create(42, id, { faults: [fault], parameters })
  return {
    at: (timeMs: number) => device.valuesAt(timeMs) as Values,
    shownMs: device.consequenceOf!(fault).detectableFromMs,
    well: (timeMs: number) => wearable.create(42, id, { parameters }).valuesAt(timeMs) as Values,
  }
}

/** What the pack says of a device from `fromMs` to `toMs`: rule and time of each alarm that was raised. */
function raised(id: string, faults: readonly Fault[], fromMs: number, toMs: number, everyMs = stepMs) {
  const device = wearable.create(42, id, { faults })
  const evaluation = evaluationOf(installedRules('wearables'), deviceOf('wearable', { age: '40' }))
  const given = Array.from({ length: (toMs - fromMs) / everyMs }, (_, i) => {
    const ts = fromMs + i * everyMs
    return { ts, device: 'd', values: device.valuesAt(ts) }
  })
  for (let i = 0; i < given.length; i += 5_000) evaluation.give(...given.slice(i, i + 5_000))
  return evaluation.events
    .filter(({ data }) => data.state === 'raised')
    .map(({ data, time }) => ({ rule: data.rule, timeMs: Date.parse(time) }))
}

test('fifty healthy people trip no rule of wearables in two days, with the device off and its artefacts', () => {
  const said = Array.from({ length: 50 }, (_, n) => raised(`p${n}`, [], day, day + 2 * dayMs, minuteMs))
  expect(said.flat()).toEqual([])
})

test('tachycardia: the heart at rest rises to what is said, by its severity, and comes back', () => {
  for (const [severity, bpm] of [
    [1, 135],
    [0.5, 117.5],
  ] as const) {
    const fault = faultOf('tachycardia_at_rest', day + 2 * hourMs, hourMs, { severity })
    const { at, shownMs } = ill('a', fault, always)
    const mean = (fromMs: number) =>
      Array.from({ length: 60 }, (_, i) => at(fromMs + i * stepMs).heart_rate_bpm!).reduce((a, b) => a + b) /
      60
    expect(Math.abs(mean(fault.onsetMs + 10 * minuteMs) - bpm)).toBeLessThan(1)
    expect(mean(fault.endMs + 10 * minuteMs)).toBeLessThan(62)
    // From 54 asleep past 100, in 40 s by e: a minute at most.
    const expectedMs = 40_000 * Math.log((bpm - 54) / (bpm - 100))
    expect(Math.abs(shownMs - fault.onsetMs - expectedMs)).toBeLessThan(6_000)
  }
})

test('tachycardia shows when somebody is at rest and wears the device, and not while running', () => {
  const parameters = { ...always, off_wrist: true }
  const healthy = wearable.create(42, 'a', { parameters })
  const first = (is: (values: Values) => boolean) => {
    for (let at = day; ; at += 5 * minuteMs) if (is(healthy.valuesAt(at) as Values)) return at
  }
  const untilRest = (from: number) => {
    for (let at = from; ; at += 5 * minuteMs) {
      const { activity, on_wrist } = healthy.valuesAt(at) as Values
      if (on_wrist && (activity === 'sit' || activity === 'sleep')) return at
    }
  }
  for (const onsetMs of [first(({ activity }) => activity === 'run'), first(({ on_wrist }) => !on_wrist)]) {
    const fault = faultOf('tachycardia_at_rest', onsetMs, 12 * hourMs)
    const { shownMs, at } = ill('a', fault, parameters)
    expect(shownMs).toBeGreaterThanOrEqual(untilRest(onsetMs))
    expect(shownMs - untilRest(onsetMs)).toBeLessThan(10 * minuteMs)
    expect(at(shownMs).on_wrist).toBe(true)
  }
})

test('desaturation: saturation falls within three minutes, shows below 92 %, and comes back', () => {
  const fault = faultOf('desaturation', day + 14 * hourMs, hourMs)
  const { at, shownMs, well } = ill('a', fault, always)
  const drop = (timeMs: number) => well(timeMs).spo2_pct! - at(timeMs).spo2_pct!
  expect(drop(fault.onsetMs)).toBe(0)
  expect(drop(fault.onsetMs + 75_000)).toBeCloseTo(4.5, 1)
  for (let t = fault.onsetMs + 3 * minuteMs; t < fault.endMs; t += minuteMs) expect(drop(t)).toBeCloseTo(9, 1)
  expect(drop(fault.endMs + 3 * minuteMs)).toBeCloseTo(0, 1)
  // From 97 below 92 by 9 in 150 s: after 84 s.
  expect(shownMs).toBe(fault.onsetMs + 85_000)
  const weak = faultOf('desaturation', day + 14 * hourMs, hourMs, { severity: 0.4 })
  expect(ill('a', weak, always).shownMs).toBe(weak.endMs)
})

test('desaturation shows only once the device is worn', () => {
  const healthy = wearable.create(42, 'a')
  let offMs = day
  while ((healthy.valuesAt(offMs) as Values).on_wrist) offMs += 5 * minuteMs
  let onMs = offMs
  while (!(healthy.valuesAt(onMs) as Values).on_wrist) onMs += 5 * minuteMs
  const fault = faultOf('desaturation', offMs, 3 * hourMs)
  expect(ill('a', fault).shownMs).toBe(onMs)
})

test('who does not move neither reacts, walks, nor takes the device off', () => {
  const fault = faultOf('no_motion', day + 9 * hourMs, 10 * hourMs)
  const { at, well, shownMs } = ill('a', fault, { ...always, off_wrist: true })
  const kinds = new Set<string>()
  const [before, after] = [at(fault.onsetMs).steps!, at(fault.endMs + 12 * hourMs).steps!]
  for (let t = fault.onsetMs; t < fault.endMs; t += minuteMs) {
    const { activity, alert, on_wrist, steps } = at(t)
    kinds.add(`${activity} ${alert} ${on_wrist}`)
    expect(steps).toBe(before)
  }
  expect(kinds).toEqual(new Set([`${well(fault.onsetMs).activity} false true`]))
  expect(shownMs).toBe(fault.onsetMs + 5 * minuteMs)
  expect(at(fault.endMs)).toMatchObject({ alert: true })
  // What was not walked is not made up for.
  expect(after - before).toBe(well(fault.endMs + 12 * hourMs).steps! - well(fault.endMs).steps!)
})

test('a device that is off when its person stops moving shows nothing', () => {
  const healthy = wearable.create(42, 'a')
  let offMs = day
  while ((healthy.valuesAt(offMs) as Values).on_wrist) offMs += 5 * minuteMs
  const fault = faultOf('no_motion', offMs, 3 * hourMs)
  const { shownMs, at } = ill('a', fault)
  expect(shownMs).toBe(fault.endMs)
  expect(at(fault.endMs - minuteMs).on_wrist).toBe(false)
})

test.each(['tachycardia_at_rest', 'desaturation', 'no_motion'])(
  'the rules tell of %s, and not before it shows',
  (kind) => {
    for (const [n, hour] of [3, 8, 11, 14, 17, 20].entries()) {
      const fault = faultOf(kind, day + hour * hourMs, 3 * hourMs)
      const { shownMs } = ill(`q${n}`, fault)
      const said = raised(`q${n}`, [fault], day + (hour - 2) * hourMs, fault.endMs + hourMs)
      if (shownMs === fault.endMs) continue
      expect(said.length, `${kind} at ${hour}`).toBeGreaterThan(0)
      for (const { timeMs, rule } of said) {
        expect(timeMs, rule).toBeGreaterThanOrEqual(shownMs)
        expect(timeMs, rule).toBeLessThan(fault.endMs + 5 * minuteMs)
      }
    }
  },
)

test('with a fault too it reads the same in whatever order it is asked', () => {
  for (const kind of ['tachycardia_at_rest', 'desaturation', 'no_motion']) {
    const fault = faultOf(kind, day + 9 * hourMs, hourMs)
    const times = Array.from({ length: 500 }, (_, i) => day + 8 * hourMs + i * 17_003)
    const forward = times.map(ill('a', fault).at)
    const { at } = ill('a', fault)
    expect([...times].reverse().map(at).reverse()).toEqual(forward)
  }
})
