import { describe, expect, test } from 'vitest'
import type { Rule } from '../../rules/rule.ts'
import { at, deviceOf, minute, Site, until } from './engine.ts'
import { ruleOf } from './evaluation.ts'
import { mixedDevices, mixedReadings, mixedRules } from './mixed-rules.ts'

const schedule = {
  timezone: 'UTC',
  weekly: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '00:00', to: '24:00' }],
} as const

/** An edit of each part of a rule that decides when it holds. */
const restarting = [
  ['when', { when: { kind: 'threshold', metric: 'temperature_c', above: 5 } }],
  ['for', { for: '1m' }],
  ['keepFor', { keepFor: '1m' }],
  ['wait', { wait: '1m' }],
  ['gaps', { gaps: 'reset' }],
  ['schedule', { schedule }],
  ['select', { select: { types: ['fridge'], labels: {}, devices: [] } }],
] as const satisfies readonly (readonly [string, Partial<Rule>])[]

/** An edit of each part of a rule that is only words, or only says what follows. */
const wording = [
  ['name', { name: 'x' }],
  ['message', { message: 'hot' }],
  ['description', { description: 'y' }],
  ['severity', { severity: 'critical' }],
  ['labels', { labels: { a: 'b' } }],
  ['escalate', { escalate: [{ after: '1h', severity: 'critical' }] }],
  ['suppressedBy', { suppressedBy: ['other'] }],
] as const satisfies readonly (readonly [string, Partial<Rule>])[]

describe('an edit of a rule', () => {
  test.each(wording)('of %s keeps what it knows: a pending for goes on', async (_name, edit) => {
    const site = await Site.open({ for: '15m' })
    await site.give(at(0, 9), at(14, 9))
    const before = site.kept()
    await site.rules.replace('too-warm', ruleOf({ for: '15m', ...edit }), 1)
    await site.caughtUpWithChanges()
    expect(site.kept()).toEqual(before)
    await site.give(at(15, 9))
    expect(site.said).toEqual(['raised 15'])
    expect(site.events[0]?.data).toMatchObject({ ruleVersion: 2, since: '1970-01-01T00:00:00.000Z' })
  })

  test('of its words: the event is worded anew', async () => {
    const site = await Site.open({ for: '15m' })
    await site.give(at(0, 9), at(14, 9))
    const edit = { name: 'x', message: 'hot', severity: 'critical', labels: { a: 'b' }, for: '15m' } as const
    await site.rules.replace('too-warm', ruleOf(edit), 1)
    await site.give(at(15, 9))
    expect(site.events.map(({ data }) => [data.message, data.severity, data.ruleVersion])).toEqual([
      ['hot', 'critical', 2],
    ])
  })

  test('of its words leaves an alarm up, and its end is of the new version', async () => {
    const site = await Site.open()
    await site.give(at(1, 9))
    await site.rules.replace('too-warm', ruleOf({ message: 'hot' }), '*')
    await site.give(at(2, 9), at(3, 7))
    expect(site.said).toEqual(['raised 1', 'cleared 3'])
    expect(site.events.map(({ data }) => data.ruleVersion)).toEqual([1, 2])
    expect(site.alarm()).toMatchObject({ condition: 'normal' })
  })

  test.each(restarting)(
    'of %s closes its alarms with a reason, also when no readings flow',
    async (_, edit) => {
      const site = await Site.open()
      await site.give(at(1, 9), at(2, 9))
      await site.rules.replace('too-warm', ruleOf(edit), '*')
      await until(() => expect(site.said).toEqual(['raised 1', 'cleared 2 rule changed']))
      expect(site.alarm()).toMatchObject({ condition: 'normal' })
      expect(site.states).toEqual([])
    },
  )

  test('starts that rule’s pending again and leaves the others alone', async () => {
    const site = await Site.open({ for: '10m' })
    await site.rules.create(ruleOf({ id: 'other', for: '10m' }))
    await site.give(at(0, 9))
    await site.rules.replace('too-warm', ruleOf({ for: '9m' }), '*')
    await until(() => expect(site.states).toEqual(['pending']))
    await site.give(at(5, 9), at(10, 9), at(14, 9))
    expect(site.events.map(({ time, data }) => [data.rule, Date.parse(time) / minute])).toEqual([
      ['other', 10],
      ['too-warm', 14],
    ])
  })

  test('leaves 1,000 instances of others as they are, bit for bit', async () => {
    const devices = mixedDevices(125)
    const victims = restarting.map(([name]) => ({ id: `victim-${name.toLowerCase()}` }))
    const site = await Site.open([...mixedRules, ...victims], devices, 0)
    for (let i = 0; i < 20; i++) await site.give(...mixedReadings(devices, i))
    await site.give(...devices.map(({ id }) => at(20, 9, id)))
    const rows = (table: string, kept = site.kept()) =>
      Object.keys(kept).filter((key) => key.startsWith(table))
    // The one that is given a `wait` of a minute holds readings from then on.
    const isVictims = (key: string) => /^instances \S+\|victim-|^held-readings \S+ 60000\|/.test(key)
    const before = site.kept(isVictims)
    expect(rows('instances', before).length).toBeGreaterThanOrEqual(1_000)
    expect(rows('windows').length).toBeGreaterThanOrEqual(250)
    expect(rows('held-readings').length).toBeGreaterThanOrEqual(125)
    const alarmsOfOthers = () => site.events.filter(({ data }) => !data.rule.startsWith('victim-')).length
    const alarmsBefore = alarmsOfOthers()
    for (const [name, edit] of restarting) {
      const id = `victim-${name.toLowerCase()}`
      await site.rules.replace(id, ruleOf({ id, ...edit }), '*')
      await until(() => expect(rows('instances').filter((key) => key.endsWith(`|${id}`))).toEqual([]))
      expect(site.kept(isVictims)).toEqual(before)
      const cleared = site.saidOf(id).filter((said) => said === 'cleared 20 rule changed')
      expect(cleared).toHaveLength(125)
    }
    // What the engine has in memory is as before too: the next readings give what they give where nothing was edited.
    const unedited = await Site.open([...mixedRules, ...victims], devices, 0)
    for (let i = 0; i < 20; i++) await unedited.give(...mixedReadings(devices, i))
    await unedited.give(...devices.map(({ id }) => at(20, 9, id)))
    for (const one of [site, unedited])
      for (let i = 21; i < 26; i++) await one.give(...mixedReadings(devices, i))
    expect(site.kept(isVictims)).toEqual(unedited.kept(isVictims))
    expect(alarmsOfOthers()).toBeGreaterThan(alarmsBefore)
  }, 120_000)

  test.each(['disabled', 'deleted'] as const)(
    'that leaves it %s drops its windows, and no window that another needs',
    async (how) => {
      const mean = (id: string, window: string) =>
        ({
          id,
          when: { kind: 'aggregate', metric: 'temperature_c', fn: 'mean', window, above: 90, minCount: 1 },
        }) as const
      const site = await Site.open([mean('both', '10m'), mean('alone', '20m'), mean('too', '10m')])
      await site.give(at(0, 5), at(1, 5))
      const lengths = () =>
        [
          ...new Set(
            Object.keys(site.kept()).flatMap((key) => /^windows .*\|(\d+)\|\d+$/.exec(key)?.[1] ?? []),
          ),
        ].sort()
      expect(lengths()).toEqual(['1200000', '600000'])
      for (const id of ['both', 'alone']) {
        if (how === 'disabled') await site.rules.setEnabled(id, false)
        else await site.rules.remove(id, '*')
      }
      await site.give(at(2, 5))
      expect(lengths()).toEqual(['600000'])
      if (how === 'disabled') await site.rules.setEnabled('too', false)
      else await site.rules.remove('too', '*')
      await site.give(at(3, 5))
      expect(lengths()).toEqual([])
    },
  )

  test('that takes its wait away lets the held readings go, unevaluated', async () => {
    const site = await Site.open({ wait: '10m' })
    await site.give(at(1, 9), at(2, 9))
    await site.rules.replace('too-warm', ruleOf(), '*')
    await site.give(at(3, 7))
    expect(Object.keys(site.kept())).toEqual(['device-clocks fridge-1'])
    expect(site.said).toEqual([])
  })
})

describe('an edit made while the engine was down', () => {
  test('of a limit is noticed when it is back', async () => {
    const site = await Site.open()
    await site.give(at(1, 9))
    await site.stop()
    await site.rules.replace('too-warm', ruleOf({ for: '1m' }), '*')
    await site.restart()
    await until(() => expect(site.said).toEqual(['raised 1', 'cleared 1 rule changed']))
    await site.restart()
    await site.give(at(2, 7))
    expect(site.said).toHaveLength(2)
  })

  test('of words keeps a pending for', async () => {
    const site = await Site.open({ for: '5m' })
    await site.give(at(0, 9))
    await site.stop()
    await site.rules.replace('too-warm', ruleOf({ for: '5m', message: 'hot' }), '*')
    await site.restart()
    await site.give(at(5, 9))
    expect(site.events.map(({ data }) => [data.state, data.message])).toEqual([['raised', 'hot']])
  })

  test.each(['disabled', 'deleted'] as const)('that left it %s clears its alarm', async (how) => {
    const site = await Site.open()
    await site.give(at(1, 9))
    await site.stop()
    if (how === 'disabled') await site.rules.setEnabled('too-warm', false)
    else await site.rules.remove('too-warm', '*')
    await site.restart()
    await until(() => expect(site.said).toEqual(['raised 1', `cleared 1 rule ${how}`]))
    expect(site.states).toEqual([])
  })

  test('of several rules is applied to each once, whatever kills the engine meanwhile', async () => {
    const rules = restarting.map(([name]) => ({ id: `victim-${name.toLowerCase()}` }))
    const site = await Site.open(rules)
    await site.give(at(1, 9))
    await site.stop()
    for (const [name, edit] of restarting) {
      const id = `victim-${name.toLowerCase()}`
      await site.rules.replace(id, ruleOf({ id, ...edit }), '*')
    }
    for (let i = 0; i < rules.length; i++) {
      site.start()
      await until(() => expect(site.events.length).toBeGreaterThan(rules.length + i))
      await site.kill()
    }
    site.start()
    await site.caughtUpWithChanges()
    for (const { id } of rules) expect(site.saidOf(id)).toEqual(['raised 1', 'cleared 1 rule changed'])
  })
})

describe('a rule', () => {
  test('that is disabled says so; enabled again it starts from nothing', async () => {
    const site = await Site.open()
    await site.give(at(1, 9))
    await site.rules.setEnabled('too-warm', false)
    await until(() => expect(site.said).toEqual(['raised 1', 'cleared 1 rule disabled']))
    await site.give(at(2, 9))
    await site.rules.setEnabled('too-warm', true)
    await site.give(at(3, 9))
    expect(site.said.slice(2)).toEqual(['raised 3'])
    expect(new Set(site.events.map(({ id }) => id)).size).toBe(3)
  })

  test('that is deleted says so; made again its events have other ids', async () => {
    const site = await Site.open()
    await site.give(at(1, 9))
    await site.rules.remove('too-warm', 1)
    await until(() => expect(site.said).toEqual(['raised 1', 'cleared 1 rule deleted']))
    await site.rules.create(ruleOf())
    await site.give(at(1, 9), at(2, 9))
    expect(site.said.slice(2)).toEqual(['raised 1'])
    expect(new Set(site.events.map(({ id }) => id)).size).toBe(3)
  })

  test('that is disabled closes an alarm with a message that has no hole in it', async () => {
    const site = await Site.open()
    await site.give(at(1, 9))
    await site.rules.setEnabled('too-warm', false)
    await until(() => expect(site.events).toHaveLength(2))
    expect(site.events[1]?.data.message).not.toMatch(/[{}]/)
  })

  test('of a group closes the group’s alarm, and forgets its devices', async () => {
    const group = {
      kind: 'group',
      by: 'site',
      atLeast: 2,
      of: { kind: 'threshold', metric: 'temperature_c', above: 8 },
    } as const
    const devices = ['a', 'b', 'c'].map((id) => deviceOf(id, { site: 'berlin' }))
    const site = await Site.open({ when: group }, devices)
    await site.give(at(1, 9, 'a'), at(2, 9, 'b'))
    expect(site.events.map(({ subject }) => subject)).toEqual(['site=berlin'])
    await site.rules.replace('too-warm', ruleOf({ when: { ...group, atLeast: 3 } }), '*')
    await until(() => expect(site.said).toEqual(['raised 2', 'cleared 2 rule changed']))
    expect(site.states).toEqual([])
    await site.give(at(3, 9, 'c'))
    expect(site.said).toHaveLength(2)
  })
})
