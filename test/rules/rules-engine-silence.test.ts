import { describe, expect, test } from 'vitest'
import type { DeviceRecord } from '../../domain/device.ts'
import { consumers } from '../../log/log.ts'
import type { Rule } from '../../rules/rule.ts'
import { at, deviceOf, minute, Site, until } from './engine.ts'
import { type Given, ruleOf } from './evaluation.ts'

/** A message of the last half second may still be on its way: `settledMs` of rules/rules-engine.ts. */
const settledMs = 500
const silent = { when: { kind: 'absence', longerThan: '10m' } } as const satisfies Partial<Rule>
const yearMinutes = 365 * 24 * 60

/** A device registered at a minute of the wall clock. */
const registered = (id: string, atMinute = 0, labels: DeviceRecord['labels'] = {}): DeviceRecord => ({
  ...deviceOf(id, labels),
  createdAt: new Date(atMinute * minute).toISOString(),
})
const fridge = registered('fridge-1')

/** Readings that arrive at their own time, each in a record of its own. */
async function live(site: Site, ...readings: Given[]): Promise<void> {
  for (const reading of readings) await site.appendAt(reading.ts, reading)
}

/** The wall clock comes to a minute, at which all that was sent until then has arrived, and the engine has looked. */
async function comesTo(site: Site, minutes: number, lackingMs = 0): Promise<void> {
  site.nowMs = minutes * minute + settledMs - lackingMs
  await site.caughtUpWithChanges()
}

describe('a silence', () => {
  test('is noticed when it is as long as the limit, and not a millisecond before', async () => {
    const site = await Site.open(silent, [fridge], 0)
    await live(site, at(1, 5), at(2, 5))
    await comesTo(site, 12, 1)
    expect(site.said).toEqual([])
    await comesTo(site, 12)
    expect(site.said).toEqual(['raised 12'])
    await live(site, at(30, 5))
    await site.caughtUp()
    expect(site.said).toEqual(['raised 12', 'cleared 30'])
  })

  test('that begins and is over the limit while the engine is down is noticed after the start', async () => {
    const site = await Site.open(silent, [fridge], 0)
    await live(site, at(1, 5), at(2, 5))
    await site.caughtUp()
    await site.close()
    site.nowMs = 500 * minute
    await site.openLog()
    site.start()
    await until(() => expect(site.said).toEqual(['raised 12']))
    await site.restart()
    await site.caughtUpWithChanges()
    expect(site.said).toEqual(['raised 12'])
  })

  test('between two readings that came while the engine was down is told with its beginning and its end', async () => {
    const site = await Site.open(silent, [fridge], 0)
    await live(site, at(1, 5))
    await site.caughtUp()
    await site.stop()
    await live(site, at(2, 5), at(40, 5), at(41, 5))
    site.nowMs = 41 * minute
    site.start()
    await site.caughtUp()
    expect(site.said).toEqual(['raised 12', 'cleared 40'])
  })

  test('of a device that was never heard counts from its registration, of each its own', async () => {
    const devices = [registered('first', 3), registered('second', 5)]
    const site = await Site.open(silent, devices, 0)
    await comesTo(site, 13)
    expect(site.events.map(({ subject }) => subject)).toEqual(['first'])
    await site.putDevice(registered('third', 13))
    await comesTo(site, 15)
    expect(site.said).toEqual(['raised 13', 'raised 15'])
    await site.restart()
    await comesTo(site, 23)
    expect(site.said).toEqual(['raised 13', 'raised 15', 'raised 23'])
    expect(site.events[2]?.subject).toBe('third')
  })

  test('of a device with a clock a year ahead, or back, is measured by that clock', async () => {
    const now = 2 * yearMinutes
    const devices = [registered('ahead', now), registered('back', now)]
    const site = await Site.open(silent, devices, now * minute)
    await site.giveNow(at(now, 5, 'ahead'), at(now - yearMinutes, 5, 'back'))
    await site.giveNow(at(now + yearMinutes, 5, 'ahead'))
    const told = () => site.events.map(({ subject, time }) => [subject, Date.parse(time) / minute])
    // What lies between two readings is a gap, however short the wall clock took.
    const gap = [
      ['ahead', now + 10],
      ['ahead', now + yearMinutes],
    ]
    expect(told()).toEqual(gap)
    await comesTo(site, now + 10, 1)
    expect(told()).toEqual(gap)
    await comesTo(site, now + 10)
    expect(told().slice(2)).toEqual([
      ['ahead', now + yearMinutes + 10],
      ['back', now - yearMinutes + 10],
    ])
  })

  test('of two devices of a group is an alarm of the group when the second is silent too', async () => {
    const when = { kind: 'group', by: 'site', atLeast: 2, of: silent.when } as const
    const devices = ['a', 'b', 'c'].map((id) => registered(id, 0, { site: 'x' }))
    const site = await Site.open({ when }, devices, 0)
    await live(site, at(1, 5, 'a'), at(2, 5, 'b'), at(3, 5, 'c'))
    await comesTo(site, 12, 1)
    expect(site.said).toEqual([])
    await site.restart()
    await comesTo(site, 12)
    expect(site.said).toEqual(['raised 12'])
    expect(site.events[0]?.subject).toBe('site=x')
    await live(site, at(12.5, 5, 'a'))
    await site.caughtUp()
    expect(site.said).toEqual(['raised 12', 'cleared 12.5'])
  })

  test('is disproved by what the device had stored, sent in order after the alarm', async () => {
    const site = await Site.open(silent, [fridge], 0)
    await live(site, at(1, 5))
    await comesTo(site, 15)
    expect(site.said).toEqual(['raised 11'])
    site.nowMs = 20 * minute
    await site.giveNow(...Array.from({ length: 18 }, (_, i) => at(2 + i, 5)))
    expect(site.said).toEqual(['raised 11', 'cleared 11'])
    expect(site.alarm()).toMatchObject({ condition: 'normal', clearedAt: '1970-01-01T00:11:00.000Z' })
    await comesTo(site, 29)
    expect(site.said).toHaveLength(2)
    // Its clock went on from its newest reading when that arrived, a minute later than it says.
    await comesTo(site, 30)
    expect(site.said.slice(2)).toEqual(['raised 29'])
  })
})

describe('a rule that begins', () => {
  test('for a device that was heard a moment ago waits for its limit from there', async () => {
    const site = await Site.open({ id: 'other' }, [fridge], 0)
    await live(site, at(1, 5), at(100, 5))
    await comesTo(site, 105)
    await site.rules.create(ruleOf(silent))
    await comesTo(site, 110, 1)
    expect(site.said).toEqual([])
    await comesTo(site, 110)
    expect(site.said).toEqual(['raised 110'])
  })

  test('while the engine was down does so too', async () => {
    const site = await Site.open({ id: 'other' }, [fridge], 0)
    await live(site, at(1, 5), at(100, 5))
    await site.caughtUp()
    await site.close()
    site.nowMs = 105 * minute
    await site.openLog()
    await site.rules.create(ruleOf(silent))
    site.start()
    await comesTo(site, 110, 1)
    expect(site.said).toEqual([])
    await comesTo(site, 110)
    expect(site.said).toEqual(['raised 110'])
  })

  test('again, enabled or with another limit, counts from the newest reading too', async () => {
    const site = await Site.open(silent, [fridge], 0)
    await live(site, at(1, 5), at(5, 5))
    await site.caughtUp()
    await site.rules.setEnabled('too-warm', false)
    await site.caughtUpWithChanges()
    await live(site, at(100, 5))
    await site.caughtUp()
    await site.rules.setEnabled('too-warm', true)
    await comesTo(site, 110, 1)
    expect(site.said).toEqual([])
    await site.rules.replace('too-warm', ruleOf({ when: { kind: 'absence', longerThan: '20m' } }), '*')
    await comesTo(site, 120, 1)
    expect(site.said).toEqual([])
    await comesTo(site, 120)
    expect(site.said).toEqual(['raised 120'])
  })
})

describe('a backlog is no silence', () => {
  test('of readings that were logged and are not yet evaluated', async () => {
    const site = await Site.open(silent, [fridge], 0)
    await live(site, at(0, 5))
    await site.caughtUp()
    await site.close()
    await site.openLog()
    await live(site, ...Array.from({ length: 60 }, (_, i) => at(i + 1, 5)))
    site.nowMs = 65 * minute
    site.start()
    await site.caughtUp()
    await comesTo(site, 70, 1)
    expect(site.said).toEqual([])
    await comesTo(site, 70)
    expect(site.said).toEqual(['raised 70'])
  })

  test('of messages that the broker took and nobody has read yet', async () => {
    const site = await Site.open(silent, [fridge], 0)
    await live(site, at(0, 5))
    await site.caughtUp()
    await site.log.appendIngress(Buffer.from('what the device sent since'), 1)
    await comesTo(site, 60)
    expect(site.said).toEqual([])
    await site.log.transaction((tx) => tx.commitOffset(consumers.ingest, site.log.end('ingress')))
    await comesTo(site, 61)
    expect(site.said).toEqual(['raised 10'])
  })

  test('whatever came late is looked at before the clock goes on', async () => {
    const site = await Site.open(silent, [fridge, registered('gone')], 0)
    await live(site, at(0, 5), at(0, 5, 'gone'))
    await site.caughtUp()
    await site.stop()
    await live(site, at(9, 5), at(18, 5), at(27, 5))
    site.start()
    await comesTo(site, 30)
    expect(site.events.map(({ subject }) => subject)).toEqual(['gone'])
  })
})

describe('a connection that comes and goes', () => {
  const flapping = { kind: 'flapping', of: 'connection', above: 0.5, clear: 0.25 } as const

  test('is told of the device, over restarts, and ends when it holds', async () => {
    const site = await Site.open({ when: flapping }, [fridge], 0)
    for (let i = 0; i < 15; i++) {
      await site.connect(fridge.id, i % 2 === 0, i * minute)
      await site.caughtUp()
      if (i === 4) await site.restart()
    }
    // Of 20 comparisons weighted 0.8 … 1.2 the 9 newest are just over half: 477 of 950.
    expect(site.said).toEqual(['raised 9'])
    for (let i = 15; i < 40; i++) await live(site, at(i, 5))
    await site.caughtUp()
    // The change at 14 and those before it have moved down: 8 of them, 38 … 45, are 0.35; 5, 38 … 42, are 0.21.
    expect(site.said).toEqual(['raised 9', 'cleared 29'])
  })

  test('is told of the group', async () => {
    const when = { kind: 'group', by: 'site', atLeast: 2, of: flapping } as const
    const devices = ['a', 'b'].map((id) => registered(id, 0, { site: 'x' }))
    const site = await Site.open({ when }, devices, 0)
    for (let i = 0; i < 12; i++) await site.connect('a', i % 2 === 0, i * minute)
    await site.caughtUp()
    expect(site.said).toEqual([])
    await site.restart()
    for (let i = 0; i < 12; i++) await site.connect('b', i % 2 === 0, (20 + i) * minute)
    await site.caughtUp()
    expect(site.events.map(({ subject, data }) => [subject, data.state])).toEqual([['site=x', 'raised']])
  })
})
