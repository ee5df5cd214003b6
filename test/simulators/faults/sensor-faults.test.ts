import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Value } from '../../../domain/profile.ts'
import { shippedProfiles } from '../../../domain/shipped-profiles.ts'
import type { Fault } from '../../../simulators/faults/fault.ts'
import { faultKinds } from '../../../simulators/faults/fault-kinds.ts'
import { sensedValues } from '../../../simulators/faults/sensor-faults.ts'
import type { SimulatedDevice } from '../../../simulators/models/model.ts'
import { models } from '../../../simulators/models/models.ts'
import { minuteMs, someFault, startMs } from './some-fault.ts'

const dayMs = 86_400_000
/** A meter whose values are plain to see: at noon of the second day it shows 150 W, 1.5 kWh. */
const meter: SimulatedDevice = {
  id: 'a',
  type: 'smart_meter',
  valuesAt: (timeMs) => {
    const days = (timeMs - startMs) / dayMs
    return { active_power_w: 100 * days, energy_import_kwh: days, relay_closed: days < 1, tariff: 'low' }
  },
}
const noonMs = startMs + 1.5 * dayMs
const midnightMs = startMs + dayMs
const shown = (faults: readonly Fault[], timeMs = noonMs, device = meter, seed = 1) =>
  sensedValues(device, faults, seed, timeMs)
const onPower = (kind: string, parameters: Record<string, number> = {}, more: Partial<Fault> = {}) =>
  someFault(kind, parameters, { metric: 'active_power_w', onsetMs: midnightMs, ...more })
const power = (fault: Fault, timeMs = noonMs) => shown([fault], timeMs).active_power_w

const table: readonly [
  kind: string,
  parameters: Record<string, number>,
  severity: number,
  shows: Value | null,
][] = [
  ['stuck_at', {}, 1, 100],
  ['spike', { probability: 1 }, 1, 1_500],
  ['spike', { probability: 1, magnitude: 3 }, 2, 900],
  ['spike', { probability: 0 }, 1, 150],
  ['dip', { probability: 1 }, 1, 0],
  ['drift', { per_day: 4 }, 3, 156],
  ['bias', { offset: -7 }, 2, 136],
  ['noise', { sd: 0 }, 1, 150],
  ['quantise', { step: 20 }, 2, 160],
  ['saturate', { high: 120 }, 1, 120],
  ['saturate', { low: 160 }, 1, 160],
  ['null', { probability: 1 }, 1, null],
  ['unit_error', {}, 1, 302],
  ['counter_reset', {}, 1, 50],
  ['counter_rollover', { modulus: 40 }, 1, 30],
]

describe('what each kind shows instead of 150 W, half a day after its onset', () => {
  test.each(table)('%s %j, severity %d: %s', (kind, parameters, severity, shows) => {
    expect(power(onPower(kind, parameters, { severity }))).toBe(shows)
  })

  test('there is a line for every kind of sensor fault', () => {
    const kinds = Object.keys(faultKinds).filter((kind) => faultKinds[kind]!.class === 'sensor')
    expect([...new Set(table.map(([kind]) => kind))].sort()).toEqual(kinds.sort())
  })

  test('a spike of a value of nothing is its magnitude', () => {
    expect(power(someFault('spike', { probability: 1 }, { metric: 'active_power_w' }), startMs)).toBe(10)
  })

  test('noise has its standard deviation, fixed and as a share of the value', () => {
    const deviation = (parameters: Record<string, number>, severity: number) => {
      const fault = onPower('noise', parameters, { severity })
      const errors = Array.from({ length: 10_000 }, (_, i) => {
        const timeMs = midnightMs + i * minuteMs
        const truth = Number(meter.valuesAt(timeMs).active_power_w)
        return (Number(power(fault, timeMs)) - truth) / (parameters.sd === 0 ? truth : 1)
      })
      return Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length)
    }
    expect(deviation({ sd: 2 }, 3)).toBeCloseTo(6, 0)
    expect(deviation({ sd: 0, relative_sd: 0.1 }, 1)).toBeCloseTo(0.1, 2)
  })

  test('nothing, a switch and a text cannot be spiked, shifted or scaled, but be stuck or missing', () => {
    const faults = ['spike', 'dip', 'drift', 'bias', 'noise', 'quantise', 'saturate', 'unit_error']
    for (const metric of ['relay_closed', 'tariff']) {
      const of = (kind: string) => someFault(kind, { probability: 1 }, { metric, onsetMs: startMs })
      expect(shown(faults.map(of))).toEqual(meter.valuesAt(noonMs))
      expect(shown([of('null')])[metric]).toBeNull()
    }
    expect(shown([someFault('stuck_at', {}, { metric: 'relay_closed', onsetMs: startMs })])).toMatchObject({
      relay_closed: true,
    })
    expect(shown(['null', 'bias', 'spike'].map((kind) => onPower(kind, { probability: 1 })))).toMatchObject({
      active_power_w: null,
    })
  })
})

describe('when and on what it acts', () => {
  test('from its onset, included, to its end, not included', () => {
    const fault = onPower('bias', { offset: 1_000 }, { endMs: noonMs })
    const at = (timeMs: number) => Number(power(fault, timeMs)) > 999
    expect([midnightMs - 1, midnightMs, noonMs - 1, noonMs].map(at)).toEqual([false, true, true, false])
  })

  test('on its metric alone; without one on every gauge, or counter, that the shipped profile lists', () => {
    const truth = meter.valuesAt(noonMs)
    expect(shown([onPower('bias')])).toEqual({ ...truth, active_power_w: 151 })
    expect(shown([someFault('bias')])).toEqual({ ...truth, active_power_w: 151 })
    expect(shown([someFault('counter_rollover', { modulus: 1 })])).toEqual({
      ...truth,
      energy_import_kwh: 0.5,
    })
    expect(shown([someFault('bias')], noonMs, { ...meter, type: 'generic' })).toEqual(truth)
  })

  test('faults of the process and of transport are none of a sensor', () => {
    const others = [someFault('meter_tamper'), someFault('drop', { probability: 1 })]
    expect(shown(others)).toEqual(meter.valuesAt(noonMs))
  })

  test('in the order given', () => {
    const [bias, unit] = [onPower('bias', { offset: 10 }), onPower('unit_error', { factor: 2, offset: 0 })]
    expect(shown([bias, unit]).active_power_w).toBe(320)
    expect(shown([unit, bias]).active_power_w).toBe(310)
  })

  test('what sticks is what was shown at the onset, faults before it included, also when they have ended', () => {
    const stuck = onPower('stuck_at')
    const bias = onPower('bias', { offset: 10 }, { onsetMs: startMs, endMs: midnightMs + 1 })
    expect(shown([bias, stuck]).active_power_w).toBe(110)
    expect(shown([stuck, { ...bias, endMs: noonMs + 1 }]).active_power_w).toBe(110)
    expect(shown([stuck, bias]).active_power_w).toBe(100)
  })

  test('no number leaves the range of the profile: the platform would refuse the reading', () => {
    const ranged = models.flatMap((model) => {
      const metrics = shippedProfiles.find(({ type }) => type === model.type)?.metrics ?? {}
      const faults = [
        someFault('spike', { probability: 1, magnitude: 1e9 }),
        someFault('bias', { offset: -1e6 }),
      ]
      const device = model.create(1, 'a')
      return faults.flatMap((fault) =>
        Object.entries(shown([fault], noonMs, device)).flatMap(([metric, value]) =>
          typeof value === 'number' ? [{ value, ...metrics[metric] }] : [],
        ),
      )
    })
    expect(ranged.length).toBeGreaterThan(30)
    for (const { value, min = -Infinity, max = Infinity } of ranged) {
      expect(value).toBeGreaterThanOrEqual(min)
      expect(value).toBeLessThanOrEqual(max)
    }
  })
})

describe('its randomness', () => {
  const faults = ['spike', 'dip', 'null', 'noise'].map((kind) => onPower(kind, { probability: 0.2 }))
  const series = (given: readonly Fault[], seed = 1, device = meter) =>
    Array.from(
      { length: 300 },
      (_, i) => shown(given, midnightMs + i * minuteMs, device, seed).active_power_w,
    )

  test('is that of seed, device, fault and time, in whatever order it is asked for', () => {
    const all = series(faults)
    expect(series(faults)).toEqual(all)
    const anyTime = fc.tuple(fc.integer({ min: 0, max: 299 }), fc.boolean())
    fc.assert(
      fc.property(anyTime, ([i, isCopied]) => {
        const given = isCopied ? [...faults] : faults
        expect(shown(given, midnightMs + i * minuteMs).active_power_w).toBe(all[i])
      }),
    )
    expect(series(faults, 2)).not.toEqual(all)
    expect(series(faults, 1, { ...meter, id: 'b' })).not.toEqual(all)
    expect(series(faults.map((fault) => ({ ...fault, id: `${fault.kind}-2` })))).not.toEqual(all)
  })

  test('of two faults neither disturbs the other', () => {
    const [, , missing] = faults
    const isMissing = (values: unknown[]) => values.map((value) => value === null)
    expect(isMissing(series(faults))).toEqual(isMissing(series([missing!])))
    expect(isMissing(series([missing!])).filter(Boolean).length).toBeGreaterThan(30)
  })

  test('one fault misses each gauge at times of its own', () => {
    const device = { ...meter, valuesAt: () => ({ voltage_v: 230, current_a: 3 }) }
    const fault = [someFault('null', { probability: 0.2 })]
    const missing = Array.from({ length: 100 }, (_, i) => shown(fault, midnightMs + i * minuteMs, device))
    const both = missing.filter(({ voltage_v, current_a }) => voltage_v === null && current_a === null).length
    const one = missing.filter(({ voltage_v, current_a }) => (voltage_v === null) !== (current_a === null))
    expect([both < 15, one.length > 15]).toEqual([true, true])
  })

  test.each(['spike', 'dip', 'null'])('%s comes as often as its probability says', (kind) => {
    const fault = onPower(kind, { probability: 0.03 })
    let hits = 0
    for (let i = 1; i <= 10_000; i++) {
      const timeMs = midnightMs + i * minuteMs
      if (power(fault, timeMs) !== meter.valuesAt(timeMs).active_power_w) hits++
    }
    // Four standard deviations.
    expect(Math.abs(hits - 300)).toBeLessThan(4 * Math.sqrt(300))
  })
})
