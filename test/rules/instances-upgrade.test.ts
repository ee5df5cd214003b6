import { expect, test } from 'vitest'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import { upgradeInstances } from '../../rules/instances-upgrade.ts'
import { RuleStateTable } from '../../rules/kept-state.ts'
import { tempDir } from '../support/temp-dir.ts'

test('rows that lay by rule and then by device are found where they lie now, of devices and of groups', async () => {
  const log = await openLmdbLog({ path: tempDir() })
  const state = (since: number) => ({
    ...{
      condition: 'active',
      since,
      raisedAt: since,
      recoveringSince: 0,
      transitions: 1,
      inner: { last: since },
    },
  })
  const count = 6_000
  await log.transaction((tx) => {
    for (let i = 0; i < count; i++) tx.put('rule-state', `too-warm|fridge-${i}`, state(i))
    tx.put('rule-state', 'too-warm|urn%3Afridge', state(-1))
    tx.put('rule-state', 'too-cold\u0000urn:fridge', state(-3))
    tx.put('rule-state', 'half-of-site|site%3DBerlin%20%7C%20Mitte', state(-2))
  })
  await upgradeInstances(log)
  await upgradeInstances(log)
  const kept = new RuleStateTable(log, new Map())
  expect(kept.instance('too-warm', 'fridge-0')).toEqual(state(0))
  expect(kept.instance('too-warm', `fridge-${count - 1}`)).toEqual(state(count - 1))
  expect(kept.instance('too-warm', 'urn:fridge')).toEqual(state(-1))
  expect(kept.instance('too-cold', 'urn:fridge')).toEqual(state(-3))
  expect(kept.groupsOf('half-of-site')).toEqual([
    { ruleId: 'half-of-site', deviceId: 'site=Berlin | Mitte', state: state(-2) },
  ])
  expect(kept.instances()).toHaveLength(count + 3)
  expect(log.entries('rule-state')).toEqual([])
  await log.close()
})
