import { describe, expect, test } from 'vitest'
import type { Severity } from '../../domain/event.ts'
import { AlarmActions } from '../../rules/alarm-actions.ts'
import { alarmId } from '../../rules/alarm-events.ts'
import { AlarmFigureMeter } from '../../rules/alarm-figures.ts'
import { actOf } from '../support/act-of.ts'
import { alarmEvent, openLog, rule, startMs, writeEvents } from './alarm-fixture.ts'

const secondMs = 1_000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** A meter over a real log, with a clock that the test moves. */
async function start(limits: { eventsMax?: number } = {}) {
  const log = await openLog()
  let nowMs = startMs
  const clock = { now: () => nowMs }
  const meter = new AlarmFigureMeter(log, clock, limits)
  let episodes = 0
  return {
    log,
    meter,
    /** One that has not followed the stream so far. */
    fresh: () => new AlarmFigureMeter(log, clock, limits).figures(),
    actions: new AlarmActions(log, clock),
    at: (ms: number) => {
      nowMs = ms
      return meter.figures()
    },
    /** Raises at each recorded time, of a device of its own unless told; event times lie far back and do not count. */
    raise: (times: readonly number[], device?: string, severity: Severity = 'minor') =>
      writeEvents(
        log,
        times.map((recordedAt) => {
          const since = startMs - 365 * dayMs + episodes++
          return alarmEvent('raised', {
            device: device ?? `fridge-${episodes}`,
            since,
            time: since,
            recordedAt,
            severity,
          })
        }),
      ),
  }
}

const times = (n: number, from: number, step: number) => Array.from({ length: n }, (_, i) => from + i * step)

test('nothing raised is all zeroes', async () => {
  const { at } = await start()
  const severities = { critical: 0, major: 0, minor: 0, warning: 0, info: 0 }
  const raised = { raised: 0, perTenMinutes: { mean: 0, highest: 0 }, chattering: 0, bySeverity: severities }
  expect(await at(startMs)).toEqual({
    standing: 0,
    standingBySeverity: severities,
    unacknowledged: 0,
    shelved: 0,
    stale: 0,
    flood: { active: false, since: null, share: 0 },
    lastTenMinutes: raised,
    lastHour: raised,
    lastDay: raised,
    truncated: false,
  })
})

test('a period holds what was recorded after its start, up to now', async () => {
  const { at, raise } = await start()
  await raise([startMs])
  for (const [name, lengthMs] of [
    ['lastTenMinutes', 10 * minuteMs],
    ['lastHour', hourMs],
    ['lastDay', dayMs],
  ] as const) {
    expect((await at(startMs - 1))[name].raised, name).toBe(0)
    expect((await at(startMs))[name].raised, name).toBe(1)
    expect((await at(startMs + lengthMs - 1))[name].raised, name).toBe(1)
    expect((await at(startMs + lengthMs))[name].raised, name).toBe(0)
  }
})

test('the mean is over the period, the highest over any ten minutes of it', async () => {
  const { at, raise } = await start()
  // Three within ten minutes that no ten minutes of a fixed raster hold, then one exactly ten minutes after the second.
  await raise([
    startMs + 8 * minuteMs,
    startMs + 9 * minuteMs,
    startMs + 17 * minuteMs,
    startMs + 19 * minuteMs,
  ])
  const { lastHour, lastDay } = await at(startMs + 30 * minuteMs)
  expect(lastHour.perTenMinutes).toEqual({ mean: 4 / 6, highest: 3 })
  expect(lastDay.perTenMinutes).toEqual({ mean: 4 / 144, highest: 3 })
})

test('two exactly ten minutes apart are not within ten minutes', async () => {
  const { at, raise } = await start()
  await raise([startMs, startMs + 10 * minuteMs])
  expect((await at(startMs + 30 * minuteMs)).lastHour.perTenMinutes.highest).toBe(1)
})

test('what was raised is told by severity', async () => {
  const { at, raise } = await start()
  await raise(times(2, startMs, 1), undefined, 'critical')
  await raise([startMs + 2], undefined, 'info')
  expect((await at(startMs + 2)).lastHour.bySeverity).toEqual({
    critical: 2,
    major: 0,
    minor: 0,
    warning: 0,
    info: 1,
  })
})

describe('chattering', () => {
  test.each([
    [[0, 30, 60], 1],
    [[0, 30, 60.001], 0],
    [[0, 60], 0],
    [[0, 59, 118, 119, 120], 1],
  ])('raised at seconds %j: %i', async (seconds, expected) => {
    const { at, raise } = await start()
    await raise(
      seconds.map((second) => startMs + second * secondMs),
      'fridge-1',
    )
    expect((await at(startMs + 3 * minuteMs)).lastHour.chattering).toBe(expected)
  })

  test('is of one rule and device, and each counts once', async () => {
    const { at, raise } = await start()
    await raise(times(9, startMs, secondMs))
    expect((await at(startMs + minuteMs)).lastHour.chattering).toBe(0)
    await raise(times(9, startMs, secondMs), 'a')
    await raise(times(3, startMs, secondMs), 'b')
    expect((await at(startMs + minuteMs)).lastHour.chattering).toBe(2)
    expect((await at(startMs + 10 * minuteMs + 9 * secondMs)).lastTenMinutes.chattering).toBe(0)
  })
})

describe('a flood', () => {
  test('begins with the eleventh in ten minutes, not with the tenth', async () => {
    const { at, raise } = await start()
    await raise(times(10, startMs, secondMs))
    expect((await at(startMs + minuteMs)).flood.active).toBe(false)
    await raise([startMs + minuteMs])
    const { flood } = await at(startMs + minuteMs)
    expect(flood).toEqual({ active: true, since: new Date(startMs + minuteMs).toISOString(), share: 0 })
  })

  test('does not begin when the first is ten minutes old', async () => {
    const { at, raise } = await start()
    await raise([...times(10, startMs, secondMs), startMs + 10 * minuteMs])
    expect((await at(startMs + 10 * minuteMs)).flood).toEqual({ active: false, since: null, share: 0 })
  })

  test('ends when fewer than five are left, not with five', async () => {
    const { at, raise } = await start()
    await raise(times(11, startMs, secondMs))
    // The sixth came at second 5: ten minutes later five are left, and a second after that four.
    const endMs = startMs + 10 * minuteMs + 6 * secondMs
    expect((await at(endMs - 1)).flood.active).toBe(true)
    const share = (endMs - (startMs + 10 * secondMs)) / dayMs
    expect((await at(endMs)).flood).toEqual({ active: false, since: null, share })
  })

  test('goes on between five and ten', async () => {
    const { at, raise } = await start()
    await raise(times(11, startMs, secondMs))
    await raise(times(5, startMs + 9 * minuteMs, secondMs))
    const { flood } = await at(startMs + 15 * minuteMs)
    expect(flood).toMatchObject({ active: true, since: new Date(startMs + 10 * secondMs).toISOString() })
    expect((await at(startMs + 19 * minuteMs)).flood.active).toBe(false)
  })
})

describe('standing', () => {
  const id = (device: string) => alarmId(rule.id, device)

  test('is by condition, acknowledgement, shelving and severity', async () => {
    const { at, raise, actions, log } = await start()
    await at(startMs)
    await raise([startMs, startMs, startMs])
    await raise([startMs], 'late', 'critical')
    await writeEvents(log, [alarmEvent('cleared', { device: 'late' })])
    await actions.acknowledge(id('fridge-1'), actOf('ana'))
    await actions.shelve(id('fridge-2'), actOf('ana'), startMs + minuteMs)
    const figures = await at(startMs + minuteMs - 1)
    expect(figures).toMatchObject({ standing: 3, unacknowledged: 3, shelved: 1 })
    expect(figures.standingBySeverity).toEqual({ critical: 0, major: 0, minor: 3, warning: 0, info: 0 })
    expect((await at(startMs + minuteMs)).shelved).toBe(0)
  })

  test('is stale after more than a day since it was written', async () => {
    const { at, raise } = await start()
    await raise([startMs])
    expect((await at(startMs + dayMs)).stale).toBe(0)
    expect((await at(startMs + dayMs + 1)).stale).toBe(1)
  })
})

describe('the stream', () => {
  test('is followed: what comes later counts, and a new meter says the same', async () => {
    const { at, raise, fresh, log } = await start()
    await raise(times(700, startMs, secondMs))
    await writeEvents(log, [alarmEvent('cleared', { recordedAt: startMs + 700 * secondMs })])
    expect((await at(startMs + hourMs)).lastDay.raised).toBe(700)
    await raise(times(3, startMs + hourMs, secondMs), 'fridge-1')
    const figures = await at(startMs + hourMs + minuteMs)
    expect(figures.lastDay.raised).toBe(703)
    expect(await fresh()).toEqual(figures)
    const later = await at(startMs + dayMs + 5 * minuteMs)
    expect(later.lastDay.raised).toBe(700 - 301 + 3)
    expect(await fresh()).toEqual(later)
  })

  test('two looks at once count each event once', async () => {
    const { meter, raise } = await start()
    await raise(times(5, startMs - 10, 1))
    const both = await Promise.all([meter.figures(), meter.figures()])
    expect(both.map(({ lastDay }) => lastDay.raised)).toEqual([5, 5])
    expect((await meter.figures()).lastDay.raised).toBe(5)
  })

  test('is remembered up to a limit, and what is cut is said', async () => {
    const { at, raise, fresh } = await start({ eventsMax: 10 })
    await raise(times(10, startMs, secondMs))
    expect(await at(startMs + minuteMs)).toMatchObject({ truncated: false, lastDay: { raised: 10 } })
    expect(await fresh()).toMatchObject({ truncated: false })
    await raise([startMs + 10 * secondMs])
    expect(await at(startMs + minuteMs)).toMatchObject({ truncated: true, lastDay: { raised: 10 } })
    expect(await fresh()).toMatchObject({ truncated: true, lastDay: { raised: 10 } })
    expect((await at(startMs + dayMs)).truncated).toBe(false)
  })

  test('of which retention took a part of the day is said to be cut', async () => {
    const { at, raise, fresh, log } = await start()
    await raise(times(5, startMs, secondMs))
    await at(startMs + minuteMs)
    await log.trim('events', 3)
    expect(await fresh()).toMatchObject({ truncated: true, lastDay: { raised: 2 } })
  })
})
