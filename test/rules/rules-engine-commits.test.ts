import { expect, test } from 'vitest'
import { consumers, counters } from '../../log/log.ts'
import type { Rule } from '../../rules/rule.ts'
import { at, Site, until } from './engine.ts'
import { fridge, ruleOf } from './evaluation.ts'

/** A site on which nothing is committed but for a reason. */
async function patientSite(rule: Partial<Rule> = {}): Promise<Site> {
  const site = await Site.open(rule)
  site.commitMs = 600_000
  await site.restart()
  await site.caughtUpWithChanges()
  site.transactions = 0
  return site
}

const committed = (site: Site) => site.log.offset(consumers.rules)
const evaluations = (site: Site) => site.log.stats().counters[counters.ruleEvaluations]

test('what raised no event waits, and is committed with the event that comes', async () => {
  const site = await patientSite()
  for (const minutes of [1, 2, 3]) {
    await site.append(at(minutes, 7))
    await site.evaluated()
  }
  expect(committed(site)).toBe(0)
  expect(site.transactions).toBe(0)
  await site.give(at(4, 9))
  expect(site.said).toEqual(['raised 4'])
  expect(site.transactions).toBe(1)
  expect(evaluations(site)).toBe(4)
})

test('what raised no event waits no longer than it is told to', async () => {
  const site = await patientSite()
  site.commitMs = 20
  await site.restart()
  await site.append(at(1, 7))
  await site.caughtUp()
  expect(evaluations(site)).toBe(1)
})

test('many readings are committed without an event', async () => {
  const site = await patientSite()
  for (let i = 0; i < 3; i++) await site.append(...Array.from({ length: 400 }, (_, j) => at(i * 400 + j, 7)))
  await until(() => expect(committed(site)).toBeGreaterThanOrEqual(800))
  expect(site.transactions).toBeLessThan(3)
})

test('an engine that stops commits what it has evaluated', async () => {
  const site = await patientSite()
  await site.append(at(1, 7))
  await site.evaluated()
  expect(committed(site)).toBe(0)
  await site.stop()
  expect(committed(site)).toBe(1)
})

test('an engine that is killed evaluates again what it had not committed, and tells it once', async () => {
  const site = await patientSite({ for: '15m' })
  await site.append(at(0, 9))
  await site.append(at(14, 9))
  await site.evaluated()
  expect(committed(site)).toBe(0)
  await site.kill()
  await site.log.close()
  await site.openLog()
  site.start()
  await site.append(at(15, 9))
  await until(() => expect(site.said).toEqual(['raised 15']))
  expect(site.events[0]?.data.since).toBe('1970-01-01T00:00:00.000Z')
})

test('an edit is applied to what was evaluated before it', async () => {
  const site = await patientSite({ for: '15m' })
  await site.append(at(0, 9))
  await site.evaluated()
  // Words only: the instance goes on.
  await site.rules.replace('too-warm', ruleOf({ for: '15m', name: 'Warm' }), '*')
  await site.caughtUpWithChanges()
  expect(committed(site)).toBe(1)
  await site.give(at(15, 9))
  expect(site.said).toEqual(['raised 15'])
})

test('a commit that the disk refuses leaves nothing out, and nothing twice', async () => {
  const site = await patientSite({ for: '15m' })
  site.commitMs = 20
  await site.restart()
  let refuse = () => {}
  site.refusal = new Promise((resolve) => {
    refuse = resolve
  })
  site.refusals = 1
  const { groupsRead } = site
  await site.append(at(0, 9))
  await until(() => expect(site.refusing).toBe(1))
  // The one is told of the refusal, the other was read as what follows a reading that is to be evaluated again.
  await site.connect(fridge.id, true, 0)
  await until(() => expect(site.groupsRead).toBe(groupsRead + 2))
  await site.append(at(15, 9))
  await until(() => expect(site.groupsRead).toBe(groupsRead + 3))
  refuse()
  await site.caughtUp()
  expect(site.said).toEqual(['raised 15'])
  expect(evaluations(site)).toBe(2)
  expect(site.logged).toEqual(['TIDEMARK_LOG_WRITE'])
})

test('what was evaluated of a device is not taken for that of another, which has its id since', async () => {
  const site = await patientSite()
  await site.append(at(10, 7))
  await site.evaluated()
  await site.log.transaction((tx) => tx.remove('devices', fridge.id))
  await site.putDevice({ ...fridge, createdAt: '2026-11-24T00:00:00.000Z' })
  await site.caughtUpWithChanges()
  await site.give(at(9, 9))
  expect(site.said).toEqual(['raised 9'])
})
