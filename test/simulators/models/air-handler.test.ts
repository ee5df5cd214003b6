import { describe, expect, test } from 'vitest'
import type { Fault } from '../../../simulators/faults/fault.ts'
import { airHandler } from '../../../simulators/models/air-handler.ts'

const minuteMs = 60_000
const hourMs = 3_600_000
const dayMs = 86_400_000
/** A Monday at midnight. */
const monday = Date.UTC(2026, 10, 23)

interface AirReading {
  readonly filter_pressure_pa: number
  readonly fan_speed_pct: number
  readonly valve_command_pct: number
  readonly valve_position_pct: number
  readonly supply_temperature_c: number
  readonly supply_setpoint_c: number
  readonly return_temperature_c: number
}
type Handler = ReturnType<typeof airHandler.create>

const handler = (id: string, ...faults: Fault[]) => airHandler.create(42, id, { faults })
const at = (device: Handler, timeMs: number) => device.valuesAt(timeMs) as unknown as AirReading
const readings = (device: Handler, from: number, to: number, stepMs: number) =>
  Array.from({ length: (to - from) / stepMs }, (_, i) => at(device, from + i * stepMs))
const fault = (
  kind: 'filter_clog' | 'valve_stuck',
  onsetMs: number,
  lastsMs: number,
  parameters: Record<string, number>,
  severity = 1,
): Fault => ({
  id: `${kind}-1`,
  device: 'any',
  kind,
  class: 'process',
  severity,
  onsetMs,
  endMs: onsetMs + lastsMs,
  parameters,
})
const apart = (one: AirReading) => Math.abs(one.valve_command_pct - one.valve_position_pct)

test('it runs at full flow from 06 to 20 on workdays, reduced at night and at week-ends', () => {
  const device = handler('a')
  for (let hour = 0; hour < 14 * 24; hour++) {
    const timeMs = monday + hour * hourMs + 30 * minuteMs
    const isFull = hour % 24 >= 6 && hour % 24 < 20 && Math.floor(hour / 24) % 7 < 5
    const { fan_speed_pct, filter_pressure_pa } = at(device, timeMs)
    expect(Math.abs(fan_speed_pct - (isFull ? 100 : 40))).toBeLessThan(2)
    expect(filter_pressure_pa > 70).toBe(isFull)
  }
})

test('its set point goes from 17 to 20 °C and back without a jump', () => {
  const points = readings(handler('a'), monday, monday + dayMs, minuteMs).map((one) => one.supply_setpoint_c)
  expect([points[120], points[720], points[1380]]).toEqual([17, 20, 17])
  for (const [i, point] of points.entries())
    expect(Math.abs(point - (points[i - 1] ?? point))).toBeLessThanOrEqual(0.21)
})

test('the filter of a healthy one stays below 150 Pa over 30 days, its valve follows, and the air is as warm as it should be', () => {
  const most = { pressure: 0, apart: 0, off: 0, command: 0 }
  let leastCommand = 100
  for (let i = 0; i < 10; i++) {
    for (const one of readings(handler(`healthy-${i}`), monday, monday + 30 * dayMs, 7 * minuteMs)) {
      most.pressure = Math.max(most.pressure, one.filter_pressure_pa)
      most.apart = Math.max(most.apart, apart(one))
      most.off = Math.max(most.off, Math.abs(one.supply_temperature_c - one.supply_setpoint_c))
      most.command = Math.max(most.command, one.valve_command_pct)
      leastCommand = Math.min(leastCommand, one.valve_command_pct)
    }
  }
  expect(most.pressure).toBeLessThan(150)
  expect(most.apart).toBeLessThan(2)
  expect(most.off).toBeLessThan(0.5)
  // Neither shut nor wide open: it has room to regulate.
  expect(leastCommand).toBeGreaterThan(0)
  expect(most.command).toBeLessThan(100)
})

test('over a year a healthy filter only gains until it is changed, and never comes near its limit', () => {
  const device = handler('a')
  const noons = Array.from({ length: 52 }, (_, week) => {
    const all = readings(
      device,
      monday + week * 7 * dayMs + 12 * hourMs,
      monday + week * 7 * dayMs + 14 * hourMs,
      minuteMs,
    )
    return all.reduce((sum, one) => sum + one.filter_pressure_pa, 0) / all.length
  })
  const falls = noons.filter((pa, i) => i > 0 && pa < noons[i - 1]! - 1)
  // Changed every 90 days.
  expect(falls.length).toBeGreaterThanOrEqual(4)
  expect(falls.length).toBeLessThanOrEqual(5)
  expect(Math.max(...noons)).toBeGreaterThan(110)
  expect(Math.max(...noons)).toBeLessThan(125)
  expect(Math.min(...noons)).toBeLessThan(90)
})

describe('a filter that clogs', () => {
  const clog = fault('filter_clog', monday + 10 * hourMs, 60 * dayMs, { life_days: 10 })
  const device = handler('a', clog)
  const told = device.consequenceOf!(clog)
  /** Pa at full flow, without the noise of a reading: reduced flow shows the square of its share. */
  const fullPa = (timeMs: number) => {
    const all = readings(device, timeMs - 30 * minuteMs, timeMs + 30 * minuteMs, minuteMs)
    const full = all.map((one) =>
      one.fan_speed_pct > 80 ? one.filter_pressure_pa : one.filter_pressure_pa / 0.16,
    )
    return full.reduce((sum, pa) => sum + pa, 0) / full.length
  }

  test('goes from where it is to 250 Pa in the days of its life at full flow, and stays there', () => {
    expect(Math.abs(fullPa(clog.onsetMs) - fullPa(clog.onsetMs - dayMs))).toBeLessThan(4)
    expect(Math.abs(fullPa(told.failureMs!) - 250)).toBeLessThan(2)
    expect(Math.abs(fullPa(told.failureMs! + 10 * dayMs) - 250)).toBeLessThan(2)
  })

  test.each([
    ['on a Monday', 10],
    ['on a Saturday, failing on a Sunday', 130],
    ['on a Thursday night', 93],
  ])('that begins %s has failed after its hours at full flow, reduced ones by their share', (_day, hour) => {
    const one = fault('filter_clog', monday + hour * hourMs, 60 * dayMs, { life_days: 10 })
    let hours = 0
    let timeMs = one.onsetMs
    for (; hours < 240; timeMs += minuteMs) {
      const at = (timeMs / hourMs) % 24
      const weekday = new Date(timeMs).getUTCDay()
      hours += (weekday > 0 && weekday < 6 && at >= 6 && at < 20 ? 1 : 0.4) / 60
    }
    const { failureMs } = handler('a', one).consequenceOf!(one)
    expect(Math.abs(failureMs! - timeMs)).toBeLessThan(2 * minuteMs)
  })

  test('is told of when it holds back a fifth more, and 200 Pa are the time to be warned', () => {
    const before = fullPa(clog.onsetMs)
    expect(Math.abs(fullPa(told.detectableFromMs) / before - 1.2)).toBeLessThan(0.02)
    expect(Math.abs(fullPa(told.warnByMs!) - 200)).toBeLessThan(2)
  })

  test('clogs twice as fast at twice the severity', () => {
    const fast = fault('filter_clog', monday, 60 * dayMs, { life_days: 9.1 }, 2)
    // 9.1 days are 218.4 h, two weeks: at twice the severity one.
    expect(handler('a', fast).consequenceOf!(fast).failureMs).toBeCloseTo(monday + 7 * dayMs, -1)
  })

  test('is new after its change, and has not failed where it was changed before', () => {
    const changed = fault('filter_clog', monday, 7 * dayMs, { life_days: 10 })
    const told = handler('a', changed).consequenceOf!(changed)
    expect(told.failureMs).toBeUndefined()
    const after = at(handler('a', changed), changed.endMs + 12 * hourMs).filter_pressure_pa
    expect(after).toBeGreaterThan(76)
    expect(after).toBeLessThan(84)
  })
})

describe('a valve that is stuck', () => {
  test('stays where it was while its command moves, and the air follows the valve', () => {
    const stuck = fault('valve_stuck', monday + 12 * hourMs, 3 * dayMs, { position_pct: -1 })
    const device = handler('a', stuck)
    const all = readings(device, stuck.onsetMs, stuck.endMs, minuteMs)
    expect(new Set(all.map((one) => one.valve_position_pct)).size).toBe(1)
    expect(
      Math.abs(all[0]!.valve_position_pct - at(device, stuck.onsetMs - 1).valve_position_pct),
    ).toBeLessThan(1)
    const night = at(device, monday + dayMs + 2 * hourMs)
    // Told to close as the set point is 3 K lower, it stays open and the air stays warm.
    expect(night.valve_position_pct - night.valve_command_pct).toBeGreaterThan(15)
    expect(night.supply_temperature_c - night.supply_setpoint_c).toBeGreaterThan(1)
    const { detectableFromMs } = device.consequenceOf!(stuck)
    const first = all.findIndex((one) => apart(one) > 10)
    expect(Math.abs(detectableFromMs - stuck.onsetMs - first * minuteMs)).toBeLessThanOrEqual(minuteMs)
    expect(apart(at(device, stuck.endMs))).toBeLessThan(2)
  })

  test('at a position of its own is seen at once', () => {
    const stuck = fault('valve_stuck', monday + 12 * hourMs, dayMs, { position_pct: 95 })
    const device = handler('a', stuck)
    expect(device.consequenceOf!(stuck)).toEqual({ detectableFromMs: stuck.onsetMs })
    expect(at(device, stuck.onsetMs)).toMatchObject({ valve_position_pct: 95 })
    expect(at(device, stuck.onsetMs).supply_temperature_c).toBeGreaterThan(24)
  })

  test('is never seen where it is repaired before it is told to move', () => {
    const stuck = fault('valve_stuck', monday + 12 * hourMs, 5 * minuteMs, { position_pct: -1 })
    expect(handler('a', stuck).consequenceOf!(stuck)).toEqual({ detectableFromMs: stuck.endMs })
  })
})

test('with faults too it reads the same in whatever order it is asked', () => {
  const faults = [
    fault('filter_clog', monday, 20 * dayMs, { life_days: 10 }),
    fault('valve_stuck', monday + 25 * dayMs, 3 * dayMs, { position_pct: -1 }),
  ]
  const times = Array.from({ length: 2_000 }, (_, i) => monday - dayMs + i * 1_370_003)
  const one = handler('a', ...faults)
  const told = times.map((time) => one.valuesAt(time))
  const other = handler('a', ...faults)
  expect(
    times
      .toReversed()
      .map((time) => other.valuesAt(time))
      .toReversed(),
  ).toEqual(told)
})
