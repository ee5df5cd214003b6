import { describe, expect, test } from 'vitest'
import { counters } from '../../log/log.ts'
import { at, minute, Site, until } from './engine.ts'
import { fridge } from './evaluation.ts'
import { mixedDevices, mixedReadings, mixedRules } from './mixed-rules.ts'

describe('a group of readings', () => {
  test('leaves events, counters, the alarm and the offset together', async () => {
    const site = await Site.open()
    await site.give(at(1, 7), at(2, 9), at(3, 9.5))
    expect(site.said).toEqual(['raised 2'])
    const { counters: counted } = site.log.stats()
    expect(counted[counters.ruleEvaluations]).toBe(3)
    expect(counted[counters.events('maintenance', 'major', 'raised')]).toBe(1)
    expect(site.events[0]?.data.recorded).toBe('2026-11-23T12:00:00.000Z')
    expect(site.alarm()).toMatchObject({
      rule: 'too-warm',
      device: 'fridge-1',
      condition: 'active',
      raisedAt: '1970-01-01T00:02:00.000Z',
      clearedAt: null,
      value: 9,
      threshold: 8,
      acknowledged: false,
      comments: [],
    })
  })

  test('that raises and clears leaves an alarm that was raised when it was', async () => {
    const site = await Site.open({ for: '1m' })
    await site.give(at(1, 9), at(2, 9), at(3, 7))
    expect(site.said).toEqual(['raised 2', 'cleared 3'])
    expect(site.alarm()).toMatchObject({
      condition: 'normal',
      since: '1970-01-01T00:01:00.000Z',
      raisedAt: '1970-01-01T00:02:00.000Z',
      clearedAt: '1970-01-01T00:03:00.000Z',
    })
  })

  test('of many devices raises one alarm for each', async () => {
    const devices = Array.from({ length: 50 }, (_, i) => ({ ...fridge, id: `fridge-${i}` }))
    const site = await Site.open({}, devices)
    await site.give(...devices.map(({ id }) => at(1, 9, id)))
    expect(new Set(site.events.map(({ subject }) => subject)).size).toBe(50)
    expect(site.log.entries('alarms')).toHaveLength(50)
  })
})

describe('a restart', () => {
  test('in the middle of for raises at the right time, once', async () => {
    const site = await Site.open({ for: '15m' })
    await site.give(at(0, 9), at(14, 9))
    expect(site.said).toEqual([])
    await site.restart()
    await site.give(at(15, 9), at(16, 9))
    await site.restart()
    await site.give(at(17, 9))
    expect(site.said).toEqual(['raised 15'])
    expect(site.events[0]?.data.since).toBe('1970-01-01T00:00:00.000Z')
  })

  test('does not forget how new the newest reading was', async () => {
    const site = await Site.open()
    await site.give(at(10, 7))
    await site.restart()
    await site.give(at(9, 9))
    expect(site.said).toEqual([])
  })

  test('at any point gives the events of an uninterrupted run, with the same ids', async () => {
    const temperatures = [7, 9, 9, 7, 9, 9, 9, 7, 7, 9, 9, 7, 7, 7, 9, 9, 9]
    const rule = { for: '1m', keepFor: '1m' }
    const whole = await Site.open(rule)
    await whole.give(...temperatures.map((value, i) => at(i, value)))
    const broken = await Site.open(rule)
    for (const [i, value] of temperatures.entries()) {
      // Readings that came while the engine was stopped are evaluated when it is back.
      if (i % 3 === 0) await broken.stop()
      await broken.append(at(i, value))
      if (i % 3 === 0) broken.start()
      else if (i % 3 === 1) await broken.restart()
      await broken.caughtUp()
    }
    expect(broken.told).toEqual(whole.told)
    expect(whole.told.length).toBeGreaterThan(3)
  })
})

test('the alarm shows that it recovers, and that it does not after all', async () => {
  const site = await Site.open({ keepFor: '5m' })
  await site.give(at(1, 9), at(2, 7))
  expect(site.alarm()).toMatchObject({ condition: 'recovering', clearedAt: null })
  await site.give(at(3, 9))
  expect(site.alarm()).toMatchObject({ condition: 'active' })
  expect(site.said).toEqual(['raised 1'])
})

describe('a log that refuses to be written for a while', () => {
  test('does not lose an edit', async () => {
    const site = await Site.open()
    await site.give(at(1, 9))
    site.refusals = 2
    await site.rules.setEnabled('too-warm', false)
    await until(() => expect(site.said).toEqual(['raised 1', 'cleared 1 rule disabled']))
    await site.give(at(2, 9))
    expect(site.said).toHaveLength(2)
  })

  test('leaves the state as it was before, and what follows is right', async () => {
    const devices = mixedDevices(4)
    const whole = await Site.open(mixedRules, devices, 0)
    const refused = await Site.open(mixedRules, devices, 0)
    for (let i = 0; i < 40; i++) {
      await whole.give(...mixedReadings(devices, i))
      if (i % 8 === 1) refused.refusals = 1
      await refused.give(...mixedReadings(devices, i))
      expect(refused.refusals).toBe(0)
      expect(withoutBeginnings(refused.kept())).toEqual(withoutBeginnings(whole.kept()))
    }
    expect(refused.told).toEqual(whole.told)
    expect(whole.told.length).toBeGreaterThan(20)
  }, 60_000)
})

describe('the streams of readings and of connections', () => {
  test('are both evaluated, and a refusal of one does not touch the other', async () => {
    const rules = [
      { id: 'flaps', when: { kind: 'flapping', of: 'connection', above: 0.5, clear: 0.25 } },
      { id: 'too-warm', for: '5m' },
    ] as const
    const site = await Site.open(rules)
    for (let i = 0; i < 30; i++) {
      if (i % 7 === 3) site.refusals = 1
      // A connection and a reading at once: the engine has two groups to commit.
      await Promise.all([
        site.connect(fridge.id, i % 2 === 0, i * minute),
        ...(i < 20 ? [] : [site.append(at(i, 9))]),
      ])
      if (i % 7 === 4) await site.caughtUp()
    }
    await site.caughtUp()
    expect(site.saidOf('too-warm')).toEqual(['raised 25'])
    // 20 comparisons, weighted 0.8 … 1.2: over half are changes at the 10th.
    expect(site.saidOf('flaps')[0]).toBe('raised 9')
    expect(new Set(site.events.map(({ id }) => id)).size).toBe(site.events.length)
  }, 60_000)
})

/** Before its first reading an instance may begin again, later: of which only this is seen. */
function withoutBeginnings(kept: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(kept).map(([key, text]) => [key, text.replace(/,"after":-?\d+/, '')]),
  )
}
