import { describe, expect, test } from 'vitest'
import { type TableName, tableNames } from '../../log/log.ts'
import { alarmId } from '../../rules/alarm-events.ts'
import { at, deviceOf, minute, Site, until } from './engine.ts'
import { fridge } from './evaluation.ts'
import { mixedDevices, mixedReadings, mixedRules } from './mixed-rules.ts'

describe('devices', () => {
  test('a new device is evaluated from its first reading on', async () => {
    const site = await Site.open()
    await site.putDevice({ ...fridge, id: 'fridge-2' })
    await site.give(at(1, 9, 'fridge-2'))
    expect(site.said).toEqual(['raised 1'])
  })

  test('an edited label changes the limit of that device', async () => {
    const above = { label: 'max_c', default: 8 }
    const site = await Site.open({ when: { kind: 'threshold', metric: 'temperature_c', above } })
    await site.give(at(1, 7))
    await site.putDevice({ ...fridge, labels: { max_c: '6' } })
    await site.give(at(2, 7))
    expect(site.events.map(({ data }) => data.threshold)).toEqual([6])
  })

  test('an edited label that takes it out of select closes its alarm', async () => {
    const site = await Site.open({ select: { types: [], labels: { site: 'berlin' }, devices: [] } })
    await site.give(at(1, 9))
    await site.putDevice({ ...fridge, labels: { site: 'paris' } })
    await until(() => expect(site.said).toEqual(['raised 1', 'cleared 1 device changed']))
    await site.give(at(2, 9))
    expect(site.alarm()).toMatchObject({ condition: 'normal' })
    expect(site.states).toEqual([])
  })

  test('a deleted device leaves no state; made again it starts from nothing', async () => {
    const site = await Site.open({ for: '5m' })
    await site.give(at(10, 9))
    await site.log.transaction((tx) => tx.remove('devices', fridge.id))
    await until(() => expect([site.states, site.log.entries('device-clocks')]).toEqual([[], []]))
    await site.putDevice(fridge)
    await site.give(at(1, 9), at(6, 9))
    expect(site.said).toEqual(['raised 6'])
  })

  test('one deleted and made again between two looks starts from nothing', async () => {
    const site = await Site.open({ for: '5m' })
    await site.give(at(10, 9))
    await site.stop()
    await site.log.transaction((tx) => tx.remove('devices', fridge.id))
    await site.putDevice({ ...fridge, createdAt: '2026-02-02T00:00:00.000Z' })
    site.start()
    await site.give(at(15, 9))
    expect(site.said).toEqual([])
  })

  test('an edited label that changes a limit restarts that device only', async () => {
    const above = { label: 'max_c', default: 8 }
    const rule = { for: '5m', when: { kind: 'threshold', metric: 'temperature_c', above } } as const
    const devices = ['a', 'b', 'c'].map((id) => deviceOf(id))
    const site = await Site.open(rule, devices)
    await site.give(...devices.map(({ id }) => at(0, 9, id)), at(5, 9, 'c'))
    const others = (key: string) => /^instances [ac]\|/.test(key)
    const before = site.kept(others)
    await site.putDevice(deviceOf('a', { max_c: '6' }))
    await site.putDevice(deviceOf('b', { floor: '2' }))
    await site.putDevice(deviceOf('c', { max_c: '7' }))
    await until(() => expect(site.said).toEqual(['raised 5', 'cleared 5 device changed']))
    expect(site.kept(others)).toEqual(before)
    await site.give(...devices.map(({ id }) => at(6, 9, id)))
    // Only b's limit is as before.
    expect(site.events.slice(2).map(({ subject, data }) => [subject, data.since])).toEqual([
      ['b', '1970-01-01T00:00:00.000Z'],
    ])
  })

  test('an edited label gives events other ids, also at a second reading of the same time', async () => {
    const above = { label: 'max_c', default: 8 }
    const site = await Site.open({ when: { kind: 'threshold', metric: 'temperature_c', above } })
    await site.give(at(1, 9))
    await site.putDevice({ ...fridge, labels: { max_c: '6' } })
    await site.give(at(1, 9))
    expect(site.said).toEqual(['raised 1', 'cleared 1 device changed', 'raised 1'])
    expect(new Set(site.events.map(({ id }) => id)).size).toBe(3)
  })

  test('an edit of a device while the engine was down is noticed when it is back', async () => {
    const above = { label: 'max_c', default: 8 }
    const site = await Site.open({ when: { kind: 'threshold', metric: 'temperature_c', above } })
    await site.give(at(1, 9))
    await site.stop()
    await site.putDevice({ ...fridge, labels: { max_c: '10' } })
    await site.restart()
    await until(() => expect(site.said).toEqual(['raised 1', 'cleared 1 device changed']))
    await site.give(at(2, 9))
    expect(site.said).toHaveLength(2)
  })

  test('one that leaves a group no longer counts there, but where it goes', async () => {
    const of = { kind: 'threshold', metric: 'temperature_c', above: 8 } as const
    const devices = ['a', 'b', 'c', 'd'].map((id) => deviceOf(id, { site: id === 'd' ? 'y' : 'x' }))
    const site = await Site.open({ when: { kind: 'group', by: 'site', atLeast: 2, of } }, devices)
    await site.give(at(1, 9, 'a'), at(1, 9, 'b'), at(1, 9, 'd'))
    const told = () => site.events.map(({ subject, data }) => [subject, data.state])
    expect(told()).toEqual([['site=x', 'raised']])
    await site.putDevice(deviceOf('b', { site: 'y' }))
    await site.give(at(2, 7, 'c'))
    expect(told().slice(1)).toEqual([['site=x', 'cleared']])
    await site.give(at(3, 9, 'b'))
    expect(told().slice(2)).toEqual([['site=y', 'raised']])
  })

  test('a group that loses its last device ends', async () => {
    const of = { kind: 'threshold', metric: 'temperature_c', above: 8 } as const
    const site = await Site.open({ when: { kind: 'group', by: 'site', atLeast: 1, of } }, [
      deviceOf('a', { site: 'x' }),
      deviceOf('b', { site: 'y' }),
    ])
    await site.give(at(1, 9, 'a'), at(2, 9, 'b'))
    await site.removeDevice('a')
    await until(() => expect(site.events).toHaveLength(3))
    expect(site.events[2]).toMatchObject({ subject: 'site=x', data: { state: 'cleared' } })
    expect(Object.keys(site.kept()).filter((key) => key.endsWith('|site=x') || key.endsWith('|a'))).toEqual(
      [],
    )
  })

  test('a deleted one leaves nothing in any table, and the others as they were', async () => {
    const devices = mixedDevices(5)
    const [gone] = devices
    const site = await Site.open(mixedRules, devices, 0)
    for (let i = 0; i < 25; i++) await site.give(...mixedReadings(devices, i))
    const id = alarmId('pending', gone!.id)
    await site.log.transaction((tx) => {
      tx.put('shelvings', id, { rule: 'pending', device: gone!.id, until: 1 })
    })
    const ofGone = (key: string) => key.includes(gone!.id)
    const ofOthers = site.kept(ofGone)
    expect(Object.keys(site.kept()).some(ofGone)).toBe(true)
    await site.removeDevice(gone!.id)
    await site.caughtUpWithChanges()
    const left = (table: TableName) =>
      site.log
        .entries<unknown>(table)
        .filter(([key, value]) => ofGone(key) || JSON.stringify(value)?.includes(`"${gone!.id}"`))
        .map(([key]) => `${table} ${key}`)
    // What has been is history.
    expect(tableNames.filter((table) => table !== 'alarm-history').flatMap(left)).toEqual([])
    expect(site.kept(ofGone)).toEqual(ofOthers)
  })
})

describe('an edit of a label', () => {
  test('that an expression does not name leaves its alarm up', async () => {
    const site = await Site.open({ when: { kind: 'expression', cel: 'temperature_c > 8.0' } })
    await site.give(at(0, 9))
    await site.putDevice({ ...fridge, labels: { ...fridge.labels, room: '7' } })
    await site.caughtUpWithChanges()
    await site.give(at(1, 9))
    expect(site.said).toEqual(['raised 0'])
  })

  test('that changes only their order leaves an expression over labels as it is', async () => {
    const cel = 'temperature_c > 8.0 && labels.site == "x"'
    const device = deviceOf(fridge.id, { site: 'x', room: '7' })
    const site = await Site.open({ when: { kind: 'expression', cel } }, [device])
    await site.give(at(0, 9))
    await site.putDevice({ ...device, labels: { room: '7', site: 'x' } })
    await site.caughtUpWithChanges()
    await site.give(at(1, 9))
    expect(site.said).toEqual(['raised 0'])
  })
})

describe('a device that was never heard', () => {
  test('leaves nothing when it is deleted; registered anew, its silence counts from then', async () => {
    const now = Date.parse('2026-11-23T12:00:00Z')
    const registered = (ms: number) => ({ ...fridge, createdAt: new Date(ms).toISOString() })
    const site = await Site.open(
      { when: { kind: 'absence', longerThan: '10m' } },
      [registered(now)],
      now + 1_000,
    )
    await until(() => expect(site.states).toHaveLength(1))
    await site.removeDevice(fridge.id)
    await site.caughtUpWithChanges()
    expect(site.kept()).toEqual({})
    site.nowMs = now + 9 * minute
    await site.putDevice(registered(site.nowMs))
    await until(() => expect(site.states).toHaveLength(1))
    site.nowMs = now + 30 * minute
    await until(() => expect(site.said).toEqual([`raised ${(now + 19 * minute) / minute}`]))
  })
})
