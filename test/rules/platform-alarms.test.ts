import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { EventRecord } from '../../domain/event.ts'
import { isDeviceId, isRuleId } from '../../domain/names.ts'
import { silentLogger } from '../../lib/logger.ts'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import { AlarmActions } from '../../rules/alarm-actions.ts'
import { PlatformAlarms, type PlatformFigure, platformSubject } from '../../rules/platform-alarms.ts'
import { platformFigures } from '../../rules/platform-figures.ts'
import { actOf } from '../support/act-of.ts'
import { tempDir } from '../support/temp-dir.ts'

const startMs = Date.UTC(2026, 10, 23, 12)

/** Alarms over figures that the test sets, in a real log. */
async function started(figures: readonly Omit<PlatformFigure, 'code' | 'severity' | 'message'>[]) {
  const log = await openLmdbLog({ path: join(tempDir(), 'log') })
  onTestFinished(() => log.close())
  let nowMs = startMs
  const clock = { now: () => nowMs }
  const rows = figures.map((figure) => ({
    ...figure,
    code: 'TIDEMARK_DISK_LOW' as const,
    severity: 'critical' as const,
    message: (value: number, limit: number) => `${value} of ${limit}`,
  }))
  const options = { log, clock, logger: silentLogger, figures: rows }
  const events = () =>
    log
      .read('events', 0, { entriesMax: 100, bytesMax: 1e6 })
      .map(({ value }) => JSON.parse(String(value)) as EventRecord)
  let alarms = new PlatformAlarms(options)
  return {
    log,
    clock,
    events,
    states: () => events().map(({ data }) => `${data.rule} ${data.state} ${data.value}`),
    /** A minute later. */
    check: () => {
      nowMs += 60_000
      return alarms.check()
    },
    restart: () => {
      alarms = new PlatformAlarms(options)
    },
  }
}

test('a figure raises an alarm once when it is bad, and clears it once when it is good by a margin, over restarts', async () => {
  let free = 500
  const platform = await started([{ name: 'disk-free', value: () => free, limit: 100, bad: 'below' }])
  for (const next of [100, 99, 100, 109, 50, 120, 105, 101, 99, 200]) {
    free = next
    await platform.check()
    platform.restart()
  }
  expect(platform.states()).toEqual([
    'platform:disk-free raised 99',
    'platform:disk-free cleared 120',
    'platform:disk-free raised 99',
    'platform:disk-free cleared 200',
  ])
  const [raised, cleared, again] = platform.events() as [EventRecord, EventRecord, EventRecord]
  expect(raised).toMatchObject({
    source: '/platform',
    type: 'tidemark.maintenance.raised.v1',
    subject: '$platform',
    time: '2026-11-23T12:02:00.000Z',
    data: { severity: 'critical', threshold: 100, since: '2026-11-23T12:02:00.000Z', message: '99 of 100' },
  })
  expect(cleared.data.since).toBe(raised.data.since)
  expect(again.data.alarm).toBe(raised.data.alarm)
  expect(new Set(platform.events().map(({ id }) => id)).size).toBe(4)
})

test('one that is bad above its limit mirrors that, and one that is not known says nothing', async () => {
  let bytes: number | undefined = 100
  const platform = await started([{ name: 'log-bytes', value: () => bytes, limit: 100, bad: 'above' }])
  for (const next of [101, 95, 91, undefined, 90, 100]) {
    bytes = next
    await platform.check()
  }
  expect(platform.states()).toEqual(['platform:log-bytes raised 101', 'platform:log-bytes cleared 90'])
})

test('a figure that cannot be had, and a log that refuses, keep no other from being told', async () => {
  const broken = () => {
    throw new Error('no such disk')
  }
  const platform = await started([
    { name: 'broken', value: broken, limit: 1, bad: 'above' },
    { name: 'other', value: () => 2, limit: 1, bad: 'above' },
  ])
  await platform.check()
  expect(platform.states()).toEqual(['platform:other raised 2'])
})

test('it is acknowledged like any other alarm', async () => {
  const platform = await started([{ name: 'other', value: () => 2, limit: 1, bad: 'above' }])
  await platform.check()
  const [raised] = platform.events() as [EventRecord]
  const acted = await new AlarmActions(platform.log, platform.clock).acknowledge(
    raised.data.alarm,
    actOf('ann'),
  )
  expect(acted).toMatchObject({ outcome: 'done', alarm: { condition: 'active', acknowledged: true } })
  expect(platform.events()[1]).toMatchObject({ source: '/platform', data: { state: 'acknowledged' } })
})

test('no device and no rule can have the names of its alarms', async () => {
  const log = await openLmdbLog({ path: join(tempDir(), 'log') })
  onTestFinished(() => log.close())
  const limits = { dataDir: '.', diskFreeBytesMin: 1, logBytesMax: 100, webhookBacklogMax: 100 }
  const figures = platformFigures(log, limits)
  expect(figures.map(({ name }) => name)).toEqual(['disk-free', 'log-bytes', 'webhook-backlog'])
  expect(isDeviceId(platformSubject)).toBe(false)
  expect(figures.filter(({ name }) => isRuleId(`platform:${name}`))).toEqual([])
})

test('the figures are those of the disk, the log and the webhooks', async () => {
  const log = await openLmdbLog({ path: join(tempDir(), 'log') })
  onTestFinished(() => log.close())
  const limits = { dataDir: tempDir(), diskFreeBytesMin: 7, logBytesMax: 1_000, webhookBacklogMax: 10 }
  const figures = platformFigures(log, limits)
  const [disk, bytes, backlog] = figures as [PlatformFigure, PlatformFigure, PlatformFigure]
  expect(disk.value()).toBeGreaterThan(0)
  expect([bytes.value(), backlog.value()]).toEqual([0, 0])
  await log.transaction((tx) => {
    for (let i = 0; i < 9; i++) tx.append('events', Buffer.alloc(100), 1)
  })
  expect(bytes.value()).toBeGreaterThanOrEqual(900)
  expect(backlog.value()).toBe(9)
  expect(figures.map(({ limit }) => limit)).toEqual([7, 800, 8])
})
