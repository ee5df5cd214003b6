import { describe, expect, test } from 'vitest'
import { AlarmActions } from '../../rules/alarm-actions.ts'
import { alarmId } from '../../rules/alarm-events.ts'
import { MaintenanceWindows } from '../../rules/maintenance-windows.ts'
import type { Rule } from '../../rules/rule.ts'
import { actOf } from '../support/act-of.ts'
import { at, deviceOf, minute, Site, until } from './engine.ts'
import { fridge } from './evaluation.ts'

const id = alarmId('too-warm', fridge.id)
const group = {
  kind: 'group',
  by: 'site',
  atLeast: 2,
  of: { kind: 'threshold', metric: 'temperature_c', above: 8 },
} as const satisfies Rule['when']
const groupAlarm = alarmId('too-warm', 'site=x')
const devicesOfGroup = ['a', 'b', 'c'].map((device) => deviceOf(device, { site: 'x' }))

const actionsOn = (site: Site) => new AlarmActions(site.log, { now: () => site.nowMs })
const requestsOn = (site: Site) => site.log.entries('alarm-requests')
const idsOf = (site: Site) => site.events.map((event) => event.id)

/** Somebody asks for the end of an alarm; resolves when the engine has done so. */
async function clear(site: Site, alarm = id): Promise<void> {
  expect(await actionsOn(site).clear(alarm, actOf('ops'))).toMatchObject({ outcome: 'done' })
  await until(() => expect(requestsOn(site)).toEqual([]))
}

describe('an alarm that somebody clears', () => {
  test('ends with their name, and its state begins anew', async () => {
    const site = await Site.open({ for: '5m' })
    await site.give(at(0, 9), at(5, 9), at(6, 9))
    await clear(site)
    expect(site.said).toEqual(['raised 5', 'cleared 6 cleared by ops'])
    expect(site.alarm()).toMatchObject({ condition: 'normal', clearedAt: '1970-01-01T00:06:00.000Z' })
    await site.give(at(7, 9), at(11.9, 9))
    expect(site.said).toHaveLength(2)
    await site.give(at(12, 9))
    expect(site.said.slice(2)).toEqual(['raised 12'])
    expect(new Set(idsOf(site)).size).toBe(3)
  })

  test('forgets the window of its rule', async () => {
    const when = {
      kind: 'aggregate',
      metric: 'temperature_c',
      fn: 'sum',
      window: '1h',
      above: 20,
      minCount: 1,
    } as const
    const site = await Site.open({ when })
    await site.give(at(0, 9), at(1, 9), at(2, 9))
    await clear(site)
    await site.give(at(3, 9), at(4, 9))
    expect(site.said).toHaveLength(2)
    await site.give(at(5, 9))
    expect(site.said.slice(2)).toEqual(['raised 5'])
  })

  test('leaves the alarms of other devices and rules as they are', async () => {
    const rules = [{}, { id: 'other' }]
    const site = await Site.open(rules, [fridge, deviceOf('fridge-2')])
    await site.give(at(1, 9), at(1, 9, 'fridge-2'))
    const others = (key: string) => key.includes('fridge-1|too-warm')
    const before = site.kept(others)
    await clear(site)
    expect(site.kept(others)).toEqual(before)
    expect(site.events.map(({ subject, data }) => `${subject} ${data.rule} ${data.state}`).slice(4)).toEqual([
      'fridge-1 too-warm cleared',
    ])
    await site.give(at(2, 9), at(2, 9, 'fridge-2'))
    expect(site.said.slice(5)).toEqual(['raised 2'])
  })

  test('raises anew, with another id, at a second reading of the time at which it began', async () => {
    const site = await Site.open()
    await site.give(at(1, 9))
    await clear(site)
    await site.give(at(1, 9))
    expect(site.said).toEqual(['raised 1', 'cleared 1 cleared by ops', 'raised 1'])
    expect(new Set(idsOf(site)).size).toBe(3)
    await clear(site)
    await site.restart()
    await site.give(at(1, 9))
    expect(site.said).toHaveLength(5)
    expect(new Set(idsOf(site)).size).toBe(5)
  })

  test('of a group is the group’s, which raises anew while its devices hold', async () => {
    const site = await Site.open({ when: group }, devicesOfGroup)
    await site.give(at(1, 9, 'a'), at(1, 9, 'b'))
    await clear(site, groupAlarm)
    // Of the time at which the alarm began.
    await site.give(at(1, 5, 'c'))
    await clear(site, groupAlarm)
    await site.give(at(3, 5, 'a'))
    await site.give(at(4, 9, 'a'))
    const told = site.events.map(({ subject, time, data }) =>
      [subject, data.state, Date.parse(time) / minute, data.reason ?? ''].join(' '),
    )
    expect(told).toEqual([
      'site=x raised 1 ',
      'site=x cleared 1 cleared by ops',
      'site=x raised 1 ',
      'site=x cleared 1 cleared by ops',
      'site=x raised 4 ',
    ])
    expect(new Set(idsOf(site)).size).toBe(5)
  })

  test('while the engine is down is cleared once when it is back', async () => {
    const site = await Site.open()
    await site.give(at(1, 9))
    await site.stop()
    await actionsOn(site).clear(id, actOf('ops'))
    await actionsOn(site).clear(id, actOf('somebody else'))
    await site.restart()
    await until(() => expect(requestsOn(site)).toEqual([]))
    await site.restart()
    await site.caughtUpWithChanges()
    expect(site.said).toEqual(['raised 1', 'cleared 1 cleared by ops'])
  })

  test('is cleared once though the log refuses it at first', async () => {
    const site = await Site.open()
    await site.give(at(1, 9))
    site.refusals = 1
    await clear(site)
    expect(site.refusals).toBe(0)
    expect(site.said).toEqual(['raised 1', 'cleared 1 cleared by ops'])
    await site.give(at(2, 9))
    expect(site.said.slice(2)).toEqual(['raised 2'])
  })

  test('that has ended by itself meanwhile is left alone, and so is what has begun since', async () => {
    const site = await Site.open({ for: '5m' })
    await site.give(at(0, 9), at(5, 9), at(6, 7), at(7, 9))
    const before = site.kept()
    const late = { rule: 'too-warm', device: fridge.id, action: 'clear', by: 'late', at: 0 } as const
    await site.log.transaction((tx) => tx.put('alarm-requests', id, late))
    await until(() => expect(requestsOn(site)).toEqual([]))
    expect(site.kept()).toEqual(before)
    await site.give(at(12, 9))
    expect(site.said).toEqual(['raised 5', 'cleared 6', 'raised 12'])
  })
})

describe('an alarm that is shelved', () => {
  /** Raised and cleared once, and shelved until a minute. */
  async function shelved(untilMinute: number): Promise<Site> {
    const site = await Site.open({}, [fridge], 0)
    await site.give(at(1, 9), at(2, 7))
    await actionsOn(site).shelve(id, actOf('ops'), untilMinute * minute)
    return site
  }
  const toldOf = (site: Site) =>
    site.events
      .filter(({ data }) => data.state !== 'shelved')
      .map(({ time, data }) => `${data.state} ${Date.parse(time) / minute}`)
      .slice(2)

  test('is announced at the first reading after the end of it, with the time at which it began', async () => {
    const site = await shelved(10)
    await site.give(at(3, 9))
    await site.restart()
    await site.give(at(9.9, 9))
    expect(toldOf(site)).toEqual([])
    await site.give(at(10, 9))
    expect(toldOf(site)).toEqual(['raised 10'])
    expect(site.events.at(-1)?.data).toMatchObject({ since: '1970-01-01T00:03:00.000Z', value: 9 })
  })

  test('is announced at the next reading when somebody ends it', async () => {
    const site = await shelved(60)
    await site.give(at(3, 9), at(4, 9))
    await actionsOn(site).shelve(id, actOf('ops'), null)
    await site.give(at(5, 9))
    expect(toldOf(site)).toEqual(['raised 5'])
  })

  test('and has ended before that is never told of', async () => {
    const site = await shelved(10)
    await site.give(at(3, 9), at(4, 7), at(11, 7))
    expect(toldOf(site)).toEqual([])
    await site.give(at(12, 9))
    expect(toldOf(site)).toEqual(['raised 12'])
  })

  test('while the engine was down is silent when it is back, before the first reading', async () => {
    const site = await Site.open({}, [fridge], 0)
    await site.give(at(1, 9), at(2, 7))
    await site.stop()
    await actionsOn(site).shelve(id, actOf('ops'), 10 * minute)
    await site.append(at(3, 9))
    site.start()
    await site.caughtUp()
    expect(toldOf(site)).toEqual([])
  })
})

describe('a maintenance window', () => {
  const select = { types: [], labels: {}, devices: [fridge.id] }
  const opened = async (site: Site, from: number, to: number) => {
    const windows = new MaintenanceWindows(site.log)
    const input = { id: 'work', select, from: from * minute, to: to * minute, reason: '' }
    expect(await windows.create(input)).toMatchObject({ outcome: 'created' })
    return windows
  }

  test('keeps quiet what begins in it, for the devices that it selects; told when it is over', async () => {
    const site = await Site.open({}, [fridge, deviceOf('fridge-2')])
    await opened(site, 5, 10)
    await site.give(at(5, 9), at(5, 9, 'fridge-2'))
    expect(site.events.map(({ subject }) => subject)).toEqual(['fridge-2'])
    await site.restart()
    await site.give(at(9.9, 9))
    expect(site.said).toHaveLength(1)
    await site.give(at(10, 9))
    expect(site.said.slice(1)).toEqual(['raised 10'])
    expect(site.events[1]?.data.since).toBe('1970-01-01T00:05:00.000Z')
  })

  test('does not hide the end of what began before it', async () => {
    const site = await Site.open()
    await opened(site, 5, 10)
    await site.give(at(4, 9), at(6, 7))
    expect(site.said).toEqual(['raised 4', 'cleared 6'])
  })

  test('that is deleted early, or made shorter, ends the quiet', async () => {
    const site = await Site.open()
    const windows = await opened(site, 0, 60)
    await site.give(at(1, 9))
    await windows.change('work', { to: 2 * minute })
    await site.give(at(2, 9), at(3, 7))
    expect(site.said).toEqual(['raised 2', 'cleared 3'])
    await windows.change('work', { to: 60 * minute })
    await site.give(at(4, 9))
    await windows.remove('work')
    await site.give(at(5, 9))
    expect(site.said.slice(2)).toEqual(['raised 5'])
  })
})

describe('an acknowledgement', () => {
  test('stays over restarts, while the alarm recovers and while it escalates', async () => {
    const escalate = [{ after: '10m', severity: 'critical' }] as const
    const site = await Site.open({ escalate, keepFor: '5m' })
    await site.give(at(1, 9))
    await actionsOn(site).acknowledge(id, actOf('ops'), 'on my way')
    const seen = { acknowledged: true, acknowledgedBy: 'ops', comments: [{ text: 'on my way', by: 'ops' }] }
    await site.restart()
    await site.give(at(2, 7))
    expect(site.alarm()).toMatchObject({ ...seen, condition: 'recovering' })
    await site.restart()
    await site.give(at(3, 9), at(12, 9))
    expect(site.alarm()).toMatchObject({ ...seen, condition: 'active', severity: 'critical' })
  })

  test('is of one episode: it takes the alarm off the list with its end, and the next begins without', async () => {
    const site = await Site.open()
    await site.give(at(1, 9))
    await actionsOn(site).acknowledge(id, actOf('ops'))
    await site.restart()
    await site.give(at(2, 7))
    expect(site.alarm()).toBeUndefined()
    await site.give(at(3, 9))
    expect(site.alarm()).toMatchObject({ acknowledged: false, acknowledgedBy: null, comments: [] })
  })
})

describe('a commit that the log refuses', () => {
  test('leaves events, alarm, state and offset as they were, and is done once later', async () => {
    const site = await Site.open({ for: '2m', keepFor: '1m' })
    await site.give(at(0, 9), at(1, 9))
    const before = site.kept()
    site.refusals = Number.POSITIVE_INFINITY
    await site.append(at(2, 9), at(3, 7))
    await site.append(at(4, 7))
    await until(() => expect(site.refused).toBeGreaterThan(1))
    expect([site.said, site.alarm(), site.kept()]).toEqual([[], undefined, before])
    site.refusals = 0
    await site.caughtUp()
    expect(site.said).toEqual(['raised 2', 'cleared 4'])
    expect(site.alarm()).toMatchObject({ condition: 'normal', since: '1970-01-01T00:00:00.000Z' })
  })
})
