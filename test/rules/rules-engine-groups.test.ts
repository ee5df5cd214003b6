import { describe, expect, test } from 'vitest'
import { at, deviceOf, Site } from './engine.ts'

describe('a group that waits, whose newest device is gone', () => {
  const of = {
    kind: 'aggregate',
    metric: 'temperature_c',
    fn: 'min',
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
      await engine.give(at(0, 1, 'a'), at(10, 9, 'a'), at(100, 1, 'b'))
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
