import { describe, expect, test } from 'vitest'
import type { Fault } from '../../../simulators/faults/fault.ts'
import { faultKinds } from '../../../simulators/faults/fault-kinds.ts'
import { energyBefore, loadProfile } from '../../../simulators/models/load-profile.ts'
import { dayMs, dayOf, epochMs, hourMs, type ModelSettings } from '../../../simulators/models/model.ts'
import { pvMeter } from '../../../simulators/models/pv-meter.ts'
import { smartMeter } from '../../../simulators/models/smart-meter.ts'

type Numbers = Record<string, number>
const from = Date.UTC(2026, 10, 23)
const summer = Date.UTC(2026, 5, 8)
const meter = smartMeter.create(42, 'home')
const read = (timeMs: number) => meter.valuesAt(timeMs) as Numbers
const withAll: ModelSettings = { parameters: { annual_kwh: 3_500, pv_kwp: 8, ev_kw: 11 } }

function faultOf(kind: string, onsetMs: number, endMs: number, parameters: Numbers = {}): Fault {
  const defaults = Object.entries(faultKinds[kind]!.parameters).map(
    ([name, of]) => [name, of.default] as const,
  )
  const all = { ...Object.fromEntries(defaults), ...parameters }
  return {
    id: `${kind}-1`,
    device: 'home',
    kind,
    class: 'process',
    severity: 1,
    onsetMs,
    endMs,
    parameters: all,
  }
}

test('power is voltage times current times power factor', () => {
  for (let i = 0; i < 3_000; i++) {
    const { active_power_w, voltage_v, current_a, power_factor } = read(from + i * 61_000)
    const product = voltage_v! * current_a! * power_factor!
    // Current has three digits, the power factor three.
    expect(Math.abs(product - active_power_w!)).toBeLessThan(0.25 + 0.002 * active_power_w!)
  }
})

test('apparent power is made of active and reactive power', () => {
  for (let i = 0; i < 500; i++) {
    const { active_power_w, reactive_power_var, power_factor } = read(from + i * 61_000)
    expect(active_power_w! / Math.hypot(active_power_w!, reactive_power_var!)).toBeCloseTo(power_factor!, 2)
  }
})

test('voltage sags with the power of the home, and stays within what a grid allows', () => {
  const readings = Array.from({ length: 3_000 }, (_, i) => read(from + i * 61_000))
  const meanVoltage = (of: typeof readings) => of.reduce((sum, r) => sum + r.voltage_v!, 0) / of.length
  const high = readings.filter(({ active_power_w }) => active_power_w! > 1_500)
  const low = readings.filter(({ active_power_w }) => active_power_w! < 300)
  expect(meanVoltage(low) - meanVoltage(high)).toBeGreaterThan(1.5)
  for (const { voltage_v } of readings) {
    expect(voltage_v).toBeGreaterThan(207)
    expect(voltage_v).toBeLessThan(253)
  }
})

describe.each([
  ['a home alone', undefined, from],
  ['a home with PV and a car, in summer', withAll, summer],
  ['a home with PV and a car, in winter', withAll, from],
  ['three phases with PV', { parameters: { phases: 3, pv_kwp: 8 } }, summer],
] as const)('%s', (_, settings, day) => {
  test('has registers that are the integrals of the power that is drawn and of the power that is fed in', () => {
    const home = smartMeter.create(42, 'home', settings)
    const stepMs = 1_000
    const at = (timeMs: number) => home.valuesAt(timeMs) as Numbers
    const first = at(day)
    const sums = { drawn: 0, fed: 0 }
    let furthestWh = 0
    for (let t = day; t < day + dayMs; t += stepMs) {
      const { active_power_w, energy_import_kwh, energy_export_kwh } = at(t)
      const rises = [
        energy_import_kwh! - first.energy_import_kwh!,
        (energy_export_kwh ?? 0) - (first.energy_export_kwh ?? 0),
      ]
      furthestWh = Math.max(
        furthestWh,
        Math.abs(sums.drawn - rises[0]! * 1000),
        Math.abs(sums.fed - rises[1]! * 1000),
      )
      sums.drawn += (Math.max(0, active_power_w!) * stepMs) / hourMs
      sums.fed += (Math.max(0, -active_power_w!) * stepMs) / hourMs
    }
    expect(sums.drawn).toBeGreaterThan(1_000)
    if (day === summer && settings !== undefined) expect(sums.fed).toBeGreaterThan(3_000)
    // A switching falls somewhere within its second; power has steps of 0.1 W, the register of 1 Wh.
    expect(furthestWh).toBeLessThan(8)
  })
})

test('registers never fall in a month, with PV and a car', () => {
  const home = smartMeter.create(3, 'h', withAll)
  const before = { energy_import_kwh: 0, energy_export_kwh: 0 }
  for (let t = summer; t < summer + 30 * dayMs; t += 97_003) {
    const now = home.valuesAt(t) as typeof before
    for (const name of ['energy_import_kwh', 'energy_export_kwh'] as const) {
      if (now[name] < before[name]) throw new Error(`${name} falls at ${new Date(t).toJSON()}`)
      before[name] = now[name]
    }
  }
  expect(before.energy_export_kwh).toBeGreaterThan(500)
})

test('values are the same in whatever order they are asked for', () => {
  const times = Array.from({ length: 400 }, (_, i) => summer + i * 1_234_567)
  const forward = smartMeter.create(5, 'h', withAll)
  const expected = times.map((t) => forward.valuesAt(t))
  const shuffled = times.map((_, i) => (i * 149) % times.length)
  const other = smartMeter.create(5, 'h', withAll)
  for (const i of shuffled) expect(other.valuesAt(times[i]!)).toEqual(expected[i])
})

test('the array in a home is the one that the PV meter of that home shows', () => {
  const without = smartMeter.create(7, 'm', { parameters: { home: 'h', annual_kwh: 3_000 } })
  const withPv = smartMeter.create(7, 'm', { parameters: { home: 'h', annual_kwh: 3_000, pv_kwp: 6 } })
  const array = pvMeter.create(7, 'p', { parameters: { home: 'h', pv_kwp: 6 } })
  for (let t = summer; t < summer + dayMs; t += 600_000) {
    const [load, net, pv] = [without, withPv, array].map((of) => of.valuesAt(t).active_power_w as number)
    expect(net).toBeCloseTo(load! + pv!, 0)
  }
})

test('a home uses its kWh a year', () => {
  for (const kwh of [2_000, 3_500, 5_000]) {
    for (const home of ['a', 'b', 'c']) {
      const device = smartMeter.create(1, home, { parameters: { annual_kwh: kwh } })
      const at = (timeMs: number) => device.valuesAt(timeMs).energy_import_kwh as number
      const used = at(Date.UTC(2027, 0, 1)) - at(Date.UTC(2026, 0, 1))
      expect(Math.abs(used / kwh - 1)).toBeLessThan(0.04)
    }
  }
})

test('the profile comes to 1,000 kWh a year', () => {
  const yearOf = (year: number) => [Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1)].map(dayOf)
  for (const year of [2023, 2024, 2026]) {
    const [first, end] = yearOf(year)
    const kwh = (energyBefore(end!) - energyBefore(first!)) / 1000
    expect(Math.abs(kwh - 1_000)).toBeLessThan(30)
  }
  expect(energyBefore(0)).toBe(0)
  expect(read(epochMs).energy_import_kwh).toBeCloseTo(0, 2)
})

test('seasons and days of the week have their own curves', () => {
  const day = (year: number, month: number, date: number) =>
    loadProfile(dayOf(Date.UTC(year, month - 1, date)))
  const noonShare = (watts: readonly number[]) => watts[12]! / watts.reduce((sum, w) => sum + w, 0)
  // Sunday 22 November 2026 has its lunch, Monday 23 has not.
  expect(noonShare(day(2026, 11, 22))).toBeGreaterThan(1.2 * noonShare(day(2026, 11, 23)))
  expect(day(2026, 12, 21)[18]).toBeGreaterThan(1.4 * day(2026, 6, 22)[18]!)
})

test('at night a home of up to 5,000 kWh a year has moments far below 200 W', () => {
  for (let n = 0; n < 20; n++) {
    const home = smartMeter.create(n, 'h', { parameters: { annual_kwh: 5_000 } })
    for (let night = 0; night < 30; night++) {
      let least = Number.POSITIVE_INFINITY
      for (let t = hourMs; t < 5 * hourMs; t += 300_000) {
        least = Math.min(least, home.valuesAt(from + night * dayMs + t).active_power_w as number)
      }
      expect(least).toBeLessThan(150)
      expect(least).toBeGreaterThan(20)
    }
  }
})

describe('with a fault', () => {
  const onset = from + 10 * hourMs
  const end = from + 20 * hourMs
  const healthy = smartMeter.create(42, 'home', { parameters: { phases: 3 } })
  const faulty = (kind: string, parameters: Numbers = {}) =>
    smartMeter.create(42, 'home', {
      parameters: { phases: 3 },
      faults: [faultOf(kind, onset, end, parameters)],
    })

  test.each(['phase_loss', 'meter_tamper', 'standby_load'])('%s changes nothing before its onset', (kind) => {
    for (let t = from; t < onset; t += 600_000) expect(faulty(kind).valuesAt(t)).toEqual(healthy.valuesAt(t))
  })

  test('phase_loss: one phase has no voltage and no power, the others are as before', () => {
    const device = faulty('phase_loss', { phase: 2 })
    let lostWh = 0
    for (let t = onset; t < end; t += 60_000) {
      const [now, whole] = [device.valuesAt(t), healthy.valuesAt(t)] as [Numbers, Numbers]
      expect(now.voltage_l2_v).toBeLessThanOrEqual(20)
      expect(now.active_power_l2_w).toBe(0)
      expect(now.voltage_l1_v).toBe(whole.voltage_l1_v)
      expect(now.active_power_l3_w).toBe(whole.active_power_l3_w)
      expect(now.active_power_w).toBeCloseTo(now.active_power_l1_w! + now.active_power_l3_w!, 0)
      lostWh += whole.active_power_l2_w! / 60
    }
    const lost = (timeMs: number) =>
      (healthy.valuesAt(timeMs).energy_import_kwh as number) -
      (device.valuesAt(timeMs).energy_import_kwh as number)
    expect(Math.abs(lost(end) * 1000 - lostWh)).toBeLessThan(50)
    expect(lost(end + 5 * dayMs)).toBeCloseTo(lost(end), 2)
  })

  test('meter_tamper: power is negative and the register runs backwards by what is used, then on from there', () => {
    const device = faulty('meter_tamper')
    const register = (of: typeof device, timeMs: number) => of.valuesAt(timeMs).energy_import_kwh as number
    for (let t = onset; t < end; t += 600_000) {
      expect(device.valuesAt(t).active_power_w).toBe(-(healthy.valuesAt(t).active_power_w as number))
    }
    const used = register(healthy, end) - register(healthy, onset)
    expect(used).toBeGreaterThan(1)
    expect(register(device, end)).toBeCloseTo(register(device, onset) - used, 2)
    expect(register(device, end + dayMs) - register(device, end)).toBeCloseTo(
      register(healthy, end + dayMs) - register(healthy, end),
      2,
    )
  })

  test('standby_load: as much is added all the time', () => {
    const device = faulty('standby_load', { power_w: 180 })
    const of = (metric: string, timeMs: number) =>
      (device.valuesAt(timeMs)[metric] as number) - (healthy.valuesAt(timeMs)[metric] as number)
    for (let t = onset; t < end; t += 600_000) expect(of('active_power_w', t)).toBeCloseTo(180, 0)
    expect(of('energy_import_kwh', end + dayMs)).toBeCloseTo(1.8, 2)
  })

  test('it shows at once, stand-by after the first night that was wholly with it', () => {
    const from10 = (kind: string) => healthy.consequenceOf!(faultOf(kind, onset, end)).detectableFromMs
    expect(from10('phase_loss')).toBe(onset)
    expect(from10('meter_tamper')).toBe(onset)
    expect(from10('standby_load')).toBe(from + dayMs + 4 * hourMs)
    const early = faultOf('standby_load', from + hourMs, end)
    expect(healthy.consequenceOf!(early).detectableFromMs).toBe(from + 4 * hourMs)
  })
})
