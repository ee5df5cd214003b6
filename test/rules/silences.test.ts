import { describe, expect, test } from 'vitest'
import type { FeedTableName } from '../../log/log.ts'
import { alarmId } from '../../rules/alarm-events.ts'
import { Silences } from '../../rules/silences.ts'
import { deviceOf } from './engine.ts'

const a = deviceOf('a', { site: 'x' })
const b = deviceOf('b', { site: 'y' })

function silencesOf(...changes: (readonly [FeedTableName, string, unknown])[]): Silences {
  const silences = new Silences()
  for (const [revision, [table, key, value]] of changes.entries())
    silences.apply({ revision, table, key, value })
  return silences
}

const shelving = (until: number, rule = 'hot', device = 'a') =>
  ['shelvings', alarmId(rule, device), { rule, device, until }] as const
const work = (id: string, from: number, to: number, select = {}) =>
  [
    'maintenance-windows',
    id,
    { id, from, to, reason: '', select: { types: [], labels: {}, devices: [], ...select } },
  ] as const

describe('a shelving', () => {
  test('silences its rule for its device, until its time', () => {
    const silences = silencesOf(shelving(10))
    const times = [0, 9, 10, 11].map((time) => silences.isSilenced('hot', a, time))
    expect(times).toEqual([true, true, false, false])
    expect(silences.isSilenced('hot', b, 0)).toBe(false)
    expect(silences.isSilenced('cold', a, 0)).toBe(false)
  })

  test('takes the place of the one before, and is over when its row goes', () => {
    const [table, key] = shelving(10)
    expect(silencesOf(shelving(10), shelving(5)).isSilenced('hot', a, 7)).toBe(false)
    expect(silencesOf(shelving(5), shelving(10)).isSilenced('hot', a, 7)).toBe(true)
    expect(silencesOf(shelving(10), [table, key, undefined]).isSilenced('hot', a, 0)).toBe(false)
  })

  test('of another alarm stays when one goes', () => {
    const [table, key] = shelving(10, 'cold')
    const silences = silencesOf(shelving(10), shelving(10, 'cold'), [table, key, undefined])
    expect(silences.isSilenced('hot', a, 0)).toBe(true)
    expect(silences.isSilenced('cold', a, 0)).toBe(false)
  })
})

describe('a maintenance window', () => {
  test('silences every rule for the devices that it selects, from its beginning to before its end', () => {
    const silences = silencesOf(work('w', 5, 10, { labels: { site: 'x' } }))
    const times = [4, 5, 9, 10].map((time) => silences.isSilenced('hot', a, time))
    expect(times).toEqual([false, true, true, false])
    expect(silences.isSilenced('cold', a, 5)).toBe(true)
    expect(silences.isSilenced('hot', b, 5)).toBe(false)
  })

  test('is followed when it is changed or deleted, and others stay', () => {
    const silences = silencesOf(work('w', 0, 10), work('v', 20, 30), work('w', 5, 10))
    expect([0, 5, 20].map((time) => silences.isSilenced('hot', a, time))).toEqual([false, true, true])
    silences.apply({ revision: 9, table: 'maintenance-windows', key: 'w', value: undefined })
    expect([0, 5, 20].map((time) => silences.isSilenced('hot', a, time))).toEqual([false, false, true])
  })
})

test('changes of other tables silence nothing', () => {
  const [, key, value] = shelving(10)
  expect(silencesOf(['alarm-requests', key, value]).isSilenced('hot', a, 0)).toBe(false)
})
