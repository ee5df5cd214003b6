import { describe, expect, test } from 'vitest'
import type { Fault } from '../../../simulators/faults/fault.ts'
import { fridge } from '../../../simulators/models/fridge.ts'
import type { ModelSettings } from '../../../simulators/models/model.ts'

const minuteMs = 60_000
const hourMs = 3_600_000
const day = Date.UTC(2026, 10, 20)
const secondMs = 1_000

interface FridgeReading {
  readonly temperature_c: number
  readonly compressor_on: boolean
  readonly door_open: boolean
  readonly power_w: number
}
const readings = (id: string, from: number, to: number, stepMs: number, settings: ModelSettings = {}) => {
  const device = fridge.create(42, id, settings)
  return Array.from(
    { length: (to - from) / stepMs },
    (_, i) => device.valuesAt(from + i * stepMs) as unknown as FridgeReading,
  )
}
const fault = (
  kind: 'refrigerant_leak' | 'door_left_open',
  onsetMs: number,
  lastsMs: number,
  severity = 1,
): Fault => ({
  id: `${kind}-1`,
  device: 'any',
  kind,
  class: 'process',
  severity,
  onsetMs,
  endMs: onsetMs + lastsMs,
  parameters: kind === 'refrigerant_leak' ? { loss_k_per_h: 1 } : {},
})
/** Longest time without a break, in steps, for which something holds. */
const longest = (all: readonly FridgeReading[], holds: (one: FridgeReading) => boolean) => {
  let run = 0
  let most = 0
  for (const one of all) {
    run = holds(one) ? run + 1 : 0
    most = Math.max(most, run)
  }
  return most
}
/** The share of each 180 readings for which the compressor was on. */
const duties = (all: readonly FridgeReading[]) => {
  let on = 0
  return all.map(({ compressor_on }, i) => {
    on += Number(compressor_on) - Number(i >= 180 && all[i - 180]!.compressor_on)
    return i < 179 ? 0 : on / 180
  })
}
const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!

test('undisturbed at night it is on for about 20 min and off for about 40', () => {
  const night = readings('a', day, day + 6 * hourMs, secondMs)
  const runs: { isOn: boolean; minutes: number }[] = []
  for (const { compressor_on: isOn } of night) {
    if (runs.at(-1)?.isOn !== isOn) runs.push({ isOn, minutes: 0 })
    runs.at(-1)!.minutes += secondMs / minuteMs
  }
  const whole = runs.slice(1, -1)
  expect(whole.length).toBeGreaterThan(8)
  for (const { isOn, minutes } of whole) {
    expect(minutes).toBeGreaterThan((isOn ? 20 : 40) * 0.85)
    expect(minutes).toBeLessThan((isOn ? 20 : 40) * 1.15)
  }
})

test('at night the thermostat keeps it between 3 and 5 °C', () => {
  for (const { temperature_c, door_open } of readings('a', day, day + 6 * hourMs, 10 * secondMs)) {
    expect(door_open).toBe(false)
    expect(temperature_c).toBeGreaterThanOrEqual(3)
    expect(temperature_c).toBeLessThanOrEqual(5)
  }
})

test('an open door warms it, and what is warm is cooled again; nothing jumps', () => {
  const all = readings('b', day, day + 48 * hourMs, secondMs)
  let opened = 0
  const jumps: FridgeReading[] = []
  const cooledByDoor: FridgeReading[] = []
  const warmedByCompressor: FridgeReading[] = []
  for (let i = 1; i < all.length; i++) {
    const [before, now] = [all[i - 1]!, all[i]!]
    const change = now.temperature_c - before.temperature_c
    // (22 − 3) K / 600 s with the door open; when filled, at most 2.5 K in 120 s.
    if (Math.abs(change) > 0.05) jumps.push(now)
    const isOpen = before.door_open && now.door_open
    if (isOpen) opened++
    if (isOpen && change < -0.001) cooledByDoor.push(now)
    const isCooling = !before.door_open && !now.door_open && before.compressor_on && now.compressor_on
    if (isCooling && change > 0.001) warmedByCompressor.push(now)
  }
  expect({ jumps, cooledByDoor, warmedByCompressor }).toEqual({
    jumps: [],
    cooledByDoor: [],
    warmedByCompressor: [],
  })
  expect(opened).toBeGreaterThan(300)
})

test('20 healthy ones in 5 days do nothing that a rule of the cold chain would tell of', () => {
  let warm = 0
  let open = 0
  let duty = 0
  for (let i = 0; i < 20; i++) {
    const days = readings(`fridge-${i}`, day, day + 120 * hourMs, minuteMs)
    for (const { power_w, compressor_on: isOn } of days)
      if (power_w > 50 !== isOn) throw new Error(`${power_w} W while on is ${isOn}`)
    warm = Math.max(
      warm,
      longest(days, ({ temperature_c }) => temperature_c > 8),
    )
    open = Math.max(
      open,
      longest(days, ({ door_open }) => door_open),
    )
    duty = Math.max(duty, ...duties(days))
  }
  expect(warm).toBeLessThan(15)
  expect(open).toBeLessThan(5)
  expect(duty).toBeGreaterThan(0.4)
  expect(duty).toBeLessThan(0.56)
})

test('nobody fills one that is not filled: its door stays shut at night and in the early morning', () => {
  const settings = { parameters: { filling: false } }
  for (const id of ['a', 'b', 'c']) {
    const night = readings(id, day - hourMs, day + 7 * hourMs, 10_000, settings)
    expect(night.filter(({ door_open }) => door_open)).toEqual([])
    for (const [i, { temperature_c }] of night.entries()) {
      expect(temperature_c).toBeGreaterThanOrEqual(3)
      expect(temperature_c).toBeLessThanOrEqual(5.5)
      expect(Math.abs(temperature_c - night[Math.max(0, i - 1)]!.temperature_c)).toBeLessThan(0.05)
    }
  }
})

test('in a warmer room the compressor runs longer, by the physics', () => {
  const share = (ambientC: number) => {
    const on = 6 * Math.log((5 - ambientC + 55) / (3 - ambientC + 55))
    return on / (on + 6 * Math.log((ambientC - 3) / (ambientC - 5)))
  }
  for (const ambient_c of [15, 22, 30]) {
    // Nights, when its door stays shut.
    const nights = Array.from({ length: 10 }, (_, i) =>
      readings('a', day + i * 24 * hourMs, day + (i * 24 + 6) * hourMs, minuteMs, {
        parameters: { ambient_c },
      }),
    ).flat()
    const found = nights.filter(({ compressor_on }) => compressor_on).length / nights.length
    expect(Math.abs(found / share(ambient_c) - 1)).toBeLessThan(0.1)
  }
})

describe('a leak of refrigerant', () => {
  // By the hour of the onset the doors fall differently.
  const leaks = Array.from({ length: 24 }, (_, hour) => {
    const leak = fault('refrigerant_leak', day + hour * hourMs, 72 * hourMs)
    const id = `leaking-${hour}`
    const settings = { faults: [leak] }
    const all = readings(id, leak.onsetMs - 3 * hourMs, leak.endMs, minuteMs, settings)
    const hoursOf = (index: number) => index / 60 - 3
    return {
      duties: duties(all),
      overDuty: hoursOf(duties(all).findIndex((duty) => duty > 0.6)),
      overWarm: hoursOf(all.findIndex(({ temperature_c }) => temperature_c > 8)),
      leak,
      told: fridge.create(42, id, settings).consequenceOf!(leak),
    }
  })

  test('lets the compressor run for over 0.6 of 3 h at about 26 h, and it is above 8 °C at about 45 h', () => {
    // Of one fridge the share goes up and down with its cycles and its doors; so the mean of all.
    const meanDuties = leaks[0]!.duties.map(
      (_, i) => leaks.reduce((sum, one) => sum + one.duties[i]!, 0) / leaks.length,
    )
    const dutyHours = meanDuties.findIndex((duty) => duty > 0.6) / 60 - 3
    expect(Math.abs(dutyHours - 26.2)).toBeLessThan(2)
    expect(Math.abs(median(leaks.map((one) => one.overWarm)) - 45.4)).toBeLessThan(2)
    for (const { overWarm, overDuty } of leaks) {
      expect(Math.abs(overWarm - 45.4)).toBeLessThan(3)
      // Half a day before it is too late at least, whatever the doors do.
      expect(overWarm - overDuty).toBeGreaterThan(12)
    }
  })

  test('is told of from when the compressor must run a tenth longer; it has failed when it is above 8 °C', () => {
    // Duty is 18/d or nearly: a tenth more is d = 50.
    for (const { leak, told, overWarm } of leaks) {
      expect(Math.abs((told.detectableFromMs - leak.onsetMs) / hourMs - 5)).toBeLessThan(0.1)
      // A door may have passed it for a moment before.
      const minutes = (told.failureMs! - leak.onsetMs) / minuteMs - overWarm * 60
      expect(Math.abs(minutes)).toBeLessThan(15)
      expect(told.warnByMs).toBe(told.failureMs! - 12 * hourMs)
    }
  })

  test('twice as severe shows in half the time; where half a day is too long a warning there is none', () => {
    const told = (severity: number, hours: number) => {
      const leak = fault('refrigerant_leak', day, hours * hourMs, severity)
      return fridge.create(42, 'a', { faults: [leak] }).consequenceOf!(leak)
    }
    expect((told(2, 72).detectableFromMs - day) / hourMs).toBeCloseTo(2.5, 1)
    const fast = told(6, 72)
    expect((fast.failureMs! - day) / hourMs).toBeLessThan(13)
    expect(fast.warnByMs).toBeUndefined()
    expect(told(1, 20)).toEqual({ detectableFromMs: told(1, 72).detectableFromMs })
    expect(told(1, 2)).toEqual({ detectableFromMs: day + 2 * hourMs })
  })

  test('follows the equation at night, when its compressor never stops any more', () => {
    const leak = fault('refrigerant_leak', day + 10 * hourMs, 72 * hourMs)
    const from = day + 48 * hourMs + 5 * minuteMs
    const night = readings('a', from, from + 5.5 * hourMs, secondMs, { faults: [leak] })
    let celsius = night[0]!.temperature_c
    for (const [i, { temperature_c, compressor_on }] of night.entries()) {
      if (!compressor_on || Math.abs(celsius - temperature_c) > 0.012)
        throw new Error(`${temperature_c} °C, not ${celsius}, after ${i} s`)
      const hours = (from + i * secondMs - leak.onsetMs) / hourMs
      celsius += (22 - celsius - (55 - hours)) / (6 * 3_600)
    }
  })

  test('changes nothing before its onset, and nothing is left of it two days after the repair', () => {
    const leak = fault('refrigerant_leak', day + 10 * hourMs, 60 * hourMs)
    const both = (from: number, to: number) => [
      readings('a', from, to, minuteMs, { faults: [leak] }),
      readings('a', from, to, minuteMs),
    ]
    const [before, healthyBefore] = both(day - 24 * hourMs, leak.onsetMs)
    expect(before).toEqual(healthyBefore)
    const [after, healthyAfter] = both(leak.endMs + 48 * hourMs, leak.endMs + 72 * hourMs)
    expect(after).toEqual(healthyAfter)
    const [during, healthyDuring] = both(leak.onsetMs, leak.endMs)
    expect(during).not.toEqual(healthyDuring)
    expect(during!.at(-1)!.temperature_c).toBeGreaterThan(10)
    const [recovered] = both(leak.endMs + 6 * hourMs, leak.endMs + 48 * hourMs)
    for (const { temperature_c } of recovered!) expect(temperature_c).toBeLessThan(7)
  })
})

test('repaired shortly before it is filled it is cold again by its own cooling, without a jump', () => {
  for (const kind of ['refrigerant_leak', 'door_left_open'] as const) {
    const over = fault(kind, day - 60 * hourMs, 65 * hourMs + 30 * minuteMs)
    const all = readings('a', over.endMs - hourMs, over.endMs + 24 * hourMs, 10 * secondMs, {
      faults: [over],
    })
    for (const [i, { temperature_c }] of all.entries())
      expect(Math.abs(temperature_c - all[Math.max(0, i - 1)]!.temperature_c)).toBeLessThan(0.4)
    expect(all[0]!.temperature_c).toBeGreaterThan(15)
    expect(all.findIndex(({ temperature_c }) => temperature_c <= 5) / 360).toBeGreaterThan(2)
  }
})

describe('a door that is left open', () => {
  const left = (lastsMs: number) => {
    const open = fault('door_left_open', day + 3 * hourMs, lastsMs)
    const settings = { faults: [open] }
    return {
      open,
      told: fridge.create(42, 'a', settings).consequenceOf!(open),
      all: readings('a', open.onsetMs, open.onsetMs + 4 * hourMs, secondMs, settings),
    }
  }

  test('shows at once, stands open to its end, and has failed above 8 °C', () => {
    const { open, told, all } = left(2 * hourMs)
    expect(told.detectableFromMs).toBe(open.onsetMs)
    const warmAt = open.onsetMs + all.findIndex(({ temperature_c }) => temperature_c > 8) * secondMs
    expect(Math.abs(told.failureMs! - warmAt)).toBeLessThanOrEqual(secondMs)
    expect(told.warnByMs).toBeUndefined()
    expect(all.findIndex(({ door_open }) => !door_open)).toBe((2 * hourMs) / secondMs)
    // dT/dt = 0 where the room warms as much as the compressor cools: 22 − 55 / (1 + 36).
    expect(all[7_000]!.temperature_c).toBeCloseTo(20.5, 1)
  })

  test('5 minutes keep it above 8 °C for about half an hour; what lasts less than 15 minutes is no failure', () => {
    const minutesAbove = (all: readonly FridgeReading[]) =>
      all.filter(({ temperature_c }) => temperature_c > 8).length / 60
    const five = left(5 * minuteMs)
    expect(minutesAbove(five.all)).toBeGreaterThan(20)
    expect(minutesAbove(five.all)).toBeLessThan(40)
    expect(five.told.failureMs).toBeDefined()
    const one = left(minuteMs)
    expect(minutesAbove(one.all)).toBe(0)
    expect(one.told).toEqual({ detectableFromMs: one.open.onsetMs })
    const few = left(150 * secondMs)
    expect(minutesAbove(few.all)).toBeGreaterThan(1)
    expect(minutesAbove(few.all)).toBeLessThan(15)
    expect(few.told).toEqual({ detectableFromMs: few.open.onsetMs })
  })
})

test('with faults too it reads the same in whatever order it is asked', () => {
  const faults = [
    fault('door_left_open', day + 2 * hourMs, hourMs),
    fault('refrigerant_leak', day + 30 * hourMs, 72 * hourMs),
  ]
  const times = Array.from({ length: 5_000 }, (_, i) => day - 24 * hourMs + i * 137_003)
  const forward = fridge.create(42, 'a', { faults })
  const told = times.map((time) => forward.valuesAt(time))
  // 611 and 5,000 have no common divisor: each once, far from the one before.
  const jumping = fridge.create(42, 'a', { faults })
  const answers: object[] = []
  for (let i = 0; i < 5_000; i++) {
    const at = (i * 611) % 5_000
    if (i % 50 === 0) jumping.consequenceOf!(faults[1]!)
    answers[at] = jumping.valuesAt(times[at]!)
  }
  expect(answers).toEqual(told)
})
