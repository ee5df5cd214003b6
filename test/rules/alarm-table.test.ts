import { expect, test } from 'vitest'
import type { Log } from '../../log/log.ts'
import { AlarmActions } from '../../rules/alarm-actions.ts'
import { alarmId } from '../../rules/alarm-events.ts'
import {
  type AlarmEpisode,
  type AlarmRecord,
  AlarmTable,
  historyEnd,
  historyKey,
} from '../../rules/alarm-table.ts'
import { actOf } from '../support/act-of.ts'
import { alarmEvent, openLog, rule, startMs, writeEvents } from './alarm-fixture.ts'

const id = alarmId(rule.id, 'fridge-1')
const minuteMs = 60_000
const at = (ms: number) => new Date(ms).toISOString()
const alarmIn = (log: Log) => log.get<AlarmRecord>('alarms', id)
const historyIn = (log: Log) => log.entries<AlarmEpisode>('alarm-history').map(([, episode]) => episode)

/** People who act at `nowMs`. */
const peopleAt = (log: Log, nowMs: number) => new AlarmActions(log, { now: () => nowMs })

test('a raised alarm is active, unacknowledged, and has what the event has', async () => {
  const log = await openLog()
  await writeEvents(log, [alarmEvent('raised', { time: startMs + minuteMs })])
  expect(alarmIn(log)).toMatchObject({
    id,
    rule: 'too-warm',
    ruleVersion: 3,
    device: 'fridge-1',
    class: 'maintenance',
    severity: 'minor',
    condition: 'active',
    acknowledged: false,
    acknowledgedAt: null,
    acknowledgedBy: null,
    since: at(startMs),
    raisedAt: at(startMs + minuteMs),
    clearedAt: null,
    value: 9,
    threshold: 8,
    message: 'fridge-1 is 9 °C (limit 8)',
    shelvedUntil: null,
    comments: [],
  })
})

test('an escalation changes severity, value and message, and keeps the rest of the episode', async () => {
  const log = await openLog()
  await writeEvents(log, [alarmEvent('raised')])
  await peopleAt(log, startMs).acknowledge(id, actOf('ana'), 'on my way')
  await peopleAt(log, startMs).shelve(id, actOf('ana'), startMs + 90 * minuteMs)
  await log.transaction((tx) => new AlarmTable(tx).condition(id, 'recovering'))
  const facts = { severity: 'critical', time: startMs + minuteMs, value: 12, ordinal: 2 } as const
  await writeEvents(log, [alarmEvent('escalated', facts)])
  expect(alarmIn(log)).toMatchObject({
    severity: 'critical',
    condition: 'recovering',
    acknowledged: true,
    acknowledgedBy: 'ana',
    raisedAt: at(startMs),
    value: 12,
    message: 'fridge-1 is 12 °C (limit 8)',
    shelvedUntil: at(startMs + 90 * minuteMs),
    comments: [{ text: 'on my way', by: 'ana', at: at(startMs) }],
  })
})

test('an alarm that ends unacknowledged stays listed; one that was acknowledged goes', async () => {
  const log = await openLog()
  const cleared = alarmEvent('cleared', { time: startMs + minuteMs, value: 7, ordinal: 2 })
  await writeEvents(log, [alarmEvent('raised'), cleared])
  expect(alarmIn(log)).toMatchObject({ condition: 'normal', clearedAt: at(startMs + minuteMs), value: 7 })

  const raised = alarmEvent('raised', { since: startMs + 2 * minuteMs, time: startMs + 2 * minuteMs })
  await writeEvents(log, [raised])
  expect(alarmIn(log)).toMatchObject({ condition: 'active', clearedAt: null, acknowledged: false })
  await peopleAt(log, startMs + 2 * minuteMs).acknowledge(id, actOf('ana'))
  await writeEvents(log, [
    alarmEvent('cleared', { since: startMs + 2 * minuteMs, time: startMs + 3 * minuteMs }),
  ])
  expect(alarmIn(log)).toBeUndefined()
})

test('an acknowledged alarm that is shelved stays when it ends', async () => {
  const log = await openLog()
  await writeEvents(log, [alarmEvent('raised')])
  await peopleAt(log, startMs).acknowledge(id, actOf('ana'))
  await peopleAt(log, startMs).shelve(id, actOf('ana'), startMs + 5 * minuteMs)
  await writeEvents(log, [alarmEvent('cleared', { time: startMs + 5 * minuteMs - 1 })])
  expect(alarmIn(log)).toMatchObject({ condition: 'normal', acknowledged: true })
})

test('the history has the episode: highest severity, what was last announced, who acknowledged, how long', async () => {
  const log = await openLog()
  await writeEvents(log, [alarmEvent('raised', { time: startMs + minuteMs })])
  await peopleAt(log, startMs + minuteMs).acknowledge(id, actOf('ana'), 'seen')
  const escalated = { severity: 'critical', value: 12, ordinal: 2, time: startMs + 2 * minuteMs } as const
  const lowered = { severity: 'warning', value: 11, ordinal: 3, time: startMs + 3 * minuteMs } as const
  await writeEvents(log, [alarmEvent('escalated', escalated), alarmEvent('escalated', lowered)])
  await writeEvents(log, [alarmEvent('cleared', { time: startMs + 4 * minuteMs, value: 7, ordinal: 4 })])
  expect(historyIn(log)).toEqual([
    {
      alarm: id,
      rule: 'too-warm',
      ruleVersion: 3,
      device: 'fridge-1',
      class: 'maintenance',
      severity: 'critical',
      since: at(startMs),
      raisedAt: at(startMs + minuteMs),
      clearedAt: at(startMs + 4 * minuteMs),
      durationMs: 3 * minuteMs,
      acknowledgedAt: at(startMs + minuteMs),
      acknowledgedBy: 'ana',
      comments: [{ text: 'seen', by: 'ana', at: at(startMs + minuteMs) }],
      value: 11,
      threshold: 8,
      message: 'fridge-1 is 11 °C (limit 8)',
    },
  ])
})

test('an end that no reading caused keeps value and limit, and says why', async () => {
  const log = await openLog()
  const {
    value: _v,
    threshold: _t,
    metric: _m,
    ...facts
  } = { value: 0, threshold: 0, metric: '', ordinal: 2 }
  await writeEvents(log, [alarmEvent('raised')])
  const cleared = alarmEvent('cleared', { ...facts, reason: 'rule changed', time: startMs + minuteMs })
  const { value: _value, threshold: _threshold, ...data } = cleared.data
  await writeEvents(log, [{ ...cleared, data }])
  expect(alarmIn(log)).toMatchObject({ value: 9, threshold: 8, message: 'fridge-1: Too warm: rule changed' })
  expect(historyIn(log)[0]).toMatchObject({ reason: 'rule changed', message: 'fridge-1 is 9 °C (limit 8)' })
})

test('what people do after the end is in the history too', async () => {
  const log = await openLog()
  await writeEvents(log, [
    alarmEvent('raised'),
    alarmEvent('cleared', { time: startMs + minuteMs, ordinal: 2 }),
  ])
  expect(historyIn(log)[0]).toMatchObject({ acknowledgedAt: null, comments: [] })
  await peopleAt(log, startMs + 2 * minuteMs).comment(id, actOf('ben'), 'door was open')
  await peopleAt(log, startMs + 3 * minuteMs).acknowledge(id, actOf('ana'))
  expect(alarmIn(log)).toBeUndefined()
  expect(historyIn(log)).toMatchObject([
    {
      acknowledgedAt: at(startMs + 3 * minuteMs),
      acknowledgedBy: 'ana',
      comments: [{ text: 'door was open', by: 'ben', at: at(startMs + 2 * minuteMs) }],
    },
  ])
})

test('a new raise keeps a shelving that goes on, and drops one that has ended', async () => {
  const log = await openLog()
  const untilMs = startMs + 10 * minuteMs
  await writeEvents(log, [alarmEvent('raised')])
  await peopleAt(log, startMs).comment(id, actOf('ana'), 'old')
  await peopleAt(log, startMs).shelve(id, actOf('ana'), untilMs)
  const episode = (since: number) => [
    alarmEvent('cleared', { time: since - 2, ordinal: 2 }),
    alarmEvent('raised', { since, time: since }),
  ]
  await writeEvents(log, episode(untilMs - 1))
  expect(alarmIn(log)).toMatchObject({ shelvedUntil: at(untilMs), comments: [] })
  expect(log.get('shelvings', id)).toEqual({ rule: 'too-warm', device: 'fridge-1', until: untilMs })
  await writeEvents(log, episode(untilMs))
  expect(alarmIn(log)).toMatchObject({ shelvedUntil: null })
  expect(log.get('shelvings', id)).toBeUndefined()
})

test('a transaction sees what it wrote: two episodes in one are two in the history', async () => {
  const log = await openLog()
  const second = { since: startMs + 5, time: startMs + 5 }
  await writeEvents(log, [
    alarmEvent('raised'),
    alarmEvent('cleared', { time: startMs + 1, ordinal: 2 }),
    alarmEvent('raised', second),
    alarmEvent('escalated', { ...second, severity: 'major', ordinal: 2 }),
    alarmEvent('cleared', { ...second, time: startMs + 7, ordinal: 3 }),
  ])
  expect(historyIn(log).map(({ since, durationMs, severity }) => [since, durationMs, severity])).toEqual([
    [at(startMs), 1, 'minor'],
    [at(startMs + 5), 2, 'major'],
  ])
  expect(historyEnd(log)).toBe(2)
})

test('recovering is noted, of an alarm that is up only', async () => {
  const log = await openLog()
  const note = (condition: 'active' | 'recovering') =>
    log.transaction((tx) => new AlarmTable(tx).condition(id, condition))
  await note('recovering')
  expect(alarmIn(log)).toBeUndefined()
  await writeEvents(log, [alarmEvent('raised')])
  await note('recovering')
  expect(alarmIn(log)?.condition).toBe('recovering')
  await note('active')
  expect(alarmIn(log)?.condition).toBe('active')
  await writeEvents(log, [alarmEvent('cleared')])
  await note('recovering')
  expect(alarmIn(log)?.condition).toBe('normal')
})

test('removing forgets the alarm, its shelving and its request, and tells the feed of what there was', async () => {
  const log = await openLog()
  const remove = () => log.transaction((tx) => new AlarmTable(tx).remove(id))
  await remove()
  expect(log.changesSince(0)).toEqual([])
  await writeEvents(log, [alarmEvent('raised')])
  await peopleAt(log, startMs).shelve(id, actOf('ana'), startMs + minuteMs)
  await peopleAt(log, startMs).clear(id, actOf('ana'))
  await remove()
  expect(alarmIn(log)).toBeUndefined()
  expect(log.changesSince(0).map(({ table, key, value }) => [table, key, value])).toEqual([
    ['shelvings', id, undefined],
    ['alarm-requests', id, undefined],
  ])
})

test('the newest episodes are kept, the oldest go', async () => {
  const log = await openLog()
  for (let n = 0; n < 5; n++) {
    const facts = { since: startMs + n, time: startMs + n }
    await writeEvents(log, [alarmEvent('raised', facts), alarmEvent('cleared', facts)], 3)
  }
  expect(log.entries('alarm-history').map(([key]) => key)).toEqual([2, 3, 4].map(historyKey))
  expect(historyIn(log).map(({ since }) => since)).toEqual([2, 3, 4].map((n) => at(startMs + n)))
})
