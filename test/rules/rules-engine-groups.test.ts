import { describe, expect, test } from 'vitest'
import { at, deviceOf, Site } from './engine.ts'

describe('a group that waits, whose newest device is gone', () => {
  const of = {
    kind: 'aggregate',
    metric: 'temperature_c',
    fn: 'max',
    window: '1h',
    above: 8,
    minCount: 1,
  } as const
  const site = { site: 'x' }

  test.each(['deleted', 'in another group'] as const)(
    'takes none of a device that is older than what it has evaluated: %s, then a restart',
    async (how) => {
      const rule = { wait: '10m', when: { kind: 'group', by: 'site', atLeast: 1, of } } as const
      const engine = await Site.open(rule, [deviceOf('a', site), deviceOf('b', site)])
      await engine.give(at(0, 1, 'a'), at(10, 1, 'a'), at(100, 1, 'b'))
      if (how === 'deleted') await engine.removeDevice('b')
      else await engine.putDevice(deviceOf('b', { site: 'y' }))
      await engine.caughtUpWithChanges()
      await engine.restart()
      await engine.give(at(5, 1, 'a'), at(30, 9, 'a'), at(41, 9, 'a'))
      expect(engine.said).toEqual(['raised 30'])
    },
    30_000,
  )
})

describe('a device that is deleted', () => {
  test.each(['temperature_c', '3600000'])('takes nothing of the others with it: %s', async (id) => {
    const of = {
      kind: 'aggregate',
      metric: 'temperature_c',
      fn: 'min',
      window: '1h',
      above: 8,
      minCount: 3,
    } as const
    const site = await Site.open({ when: { kind: 'group', atLeast: 1, of } }, [deviceOf('a'), deviceOf(id)])
    await site.give(at(0, 9, 'a'), at(0, 9, id), at(1, 9, 'a'))
    await site.removeDevice(id)
    await site.caughtUpWithChanges()
    await site.restart()
    await site.give(at(2, 9, 'a'))
    expect(site.said).toEqual(['raised 2'])
  })
})

test('a device registered anew in a group that waits is not judged by what was held of the one before', async () => {
  const of = { kind: 'threshold', metric: 'temperature_c', above: 8 } as const
  const site = await Site.open({ wait: '10m', when: { kind: 'group', atLeast: 1, of } }, [
    deviceOf('a'),
    deviceOf('b'),
  ])
  await site.give(at(5, 9, 'a'), at(6, 1, 'b'))
  await site.removeDevice('a')
  await site.caughtUpWithChanges()
  await site.putDevice({ ...deviceOf('a'), createdAt: '2026-02-02T00:00:00.000Z' })
  await site.caughtUpWithChanges()
  await site.give(at(20, 1, 'b'))
  expect(site.said).toEqual([])
})
