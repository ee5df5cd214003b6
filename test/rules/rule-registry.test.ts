import { describe, expect, onTestFinished, test } from 'vitest'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import { canonical, ownFields, RuleRegistry } from '../../rules/rule-registry.ts'
import { actOf } from '../support/act-of.ts'
import { tempDir } from '../support/temp-dir.ts'
import { ruleOf } from './evaluation.ts'

async function open() {
  const log = await openLmdbLog({ path: tempDir() })
  onTestFinished(() => log.close())
  const clock = { nowMs: 0, now: () => clock.nowMs }
  return { clock, registry: new RuleRegistry(log, clock) }
}

test('a rule is made once, at version 1', async () => {
  const { registry } = await open()
  expect(await registry.create(ruleOf())).toMatchObject({ outcome: 'created', rule: { version: 1 } })
  expect(await registry.create(ruleOf())).toEqual({ outcome: 'exists' })
  expect(registry.get('too-warm')).toMatchObject({ id: 'too-warm', version: 1 })
})

test('of two that make or edit a rule at once, one wins', async () => {
  const { registry } = await open()
  const made = await Promise.all([registry.create(ruleOf()), registry.create(ruleOf({ name: 'x' }))])
  expect(made.map(({ outcome }) => outcome)).toEqual(['created', 'exists'])
  const edited = await Promise.all(
    ['a', 'b'].map((name) => registry.replace('too-warm', ruleOf({ name }), 1)),
  )
  expect(edited.map(({ outcome }) => outcome)).toEqual(['updated', 'stale'])
  expect(registry.get('too-warm')).toMatchObject({ name: 'a', version: 2 })
})

test('an edit makes a version, keeps when it was created, and the old version stays', async () => {
  const { clock, registry } = await open()
  await registry.create(ruleOf())
  clock.nowMs = 1000
  await registry.replace('too-warm', ruleOf({ name: 'x' }), 1)
  expect(registry.versions('too-warm').map(({ version, name }) => [version, name])).toEqual([
    [2, 'x'],
    [1, 'Too warm'],
  ])
  expect(registry.get('too-warm')).toMatchObject({
    createdAt: '1970-01-01T00:00:00.000Z',
    updatedAt: '1970-01-01T00:00:01.000Z',
  })
})

test('an edit that changes nothing makes no version, whatever the order of its fields', async () => {
  const { registry } = await open()
  await registry.create(ruleOf())
  const reordered = Object.fromEntries(Object.entries(ruleOf()).reverse()) as unknown as ReturnType<
    typeof ruleOf
  >
  expect(await registry.replace('too-warm', reordered, 1)).toMatchObject({ rule: { version: 1 } })
  expect(await registry.setEnabled('too-warm', true)).toMatchObject({ rule: { version: 1 } })
  expect(await registry.setEnabled('too-warm', false)).toMatchObject({ rule: { version: 2, enabled: false } })
})

test('what is not there is not edited, and what is stale is not removed', async () => {
  const { registry } = await open()
  expect(await registry.replace('too-warm', ruleOf(), '*')).toEqual({ outcome: 'not_found' })
  expect(await registry.remove('too-warm', '*')).toEqual({ outcome: 'not_found' })
  expect(await registry.setEnabled('too-warm', true)).toEqual({ outcome: 'not_found' })
  await registry.create(ruleOf())
  expect(await registry.remove('too-warm', 2)).toMatchObject({ outcome: 'stale', rule: { version: 1 } })
  expect(await registry.remove('too-warm', 1)).toEqual({ outcome: 'removed' })
  expect(registry.get('too-warm')).toBeUndefined()
})

test('a rule made again under its old id goes on with the versions', async () => {
  const { registry } = await open()
  await registry.create(ruleOf())
  await registry.remove('too-warm', '*')
  expect(await registry.create(ruleOf())).toMatchObject({ rule: { version: 2 } })
})

test('lists page by id, and by whether they are enabled', async () => {
  const { registry } = await open()
  for (const id of ['b', 'a-b', 'a', 'c']) await registry.create(ruleOf({ id, enabled: id !== 'b' }))
  const ids = (filter: Parameters<typeof registry.list>[0]) => registry.list(filter).map(({ id }) => id)
  expect(ids({ limit: 10 })).toEqual(['a', 'a-b', 'b', 'c'])
  expect(ids({ limit: 2 })).toEqual(['a', 'a-b'])
  expect(ids({ after: 'a-b', limit: 10 })).toEqual(['b', 'c'])
  expect(ids({ enabled: true, limit: 3 })).toEqual(['a', 'a-b', 'c'])
  expect(ids({ enabled: false, limit: 3 })).toEqual(['b'])
  expect(registry.versions('a')).toHaveLength(1)
})

test('canonical text does not depend on the order of keys, but on that of lists', () => {
  expect(canonical({ b: { d: 1, c: [2, 1] }, a: 1 })).toBe('{"a":1,"b":{"c":[2,1],"d":1}}')
})

test('a version keeps who made it; who changes nothing is not its author', async () => {
  const { registry } = await open()
  await registry.create(ruleOf(), actOf('ann'))
  await registry.replace('too-warm', ruleOf(), '*', actOf('ben'))
  expect(registry.get('too-warm')).toMatchObject({ version: 1, updatedBy: 'ann' })
  await registry.setEnabled('too-warm', false, actOf('cem'))
  await registry.apply([ruleOf({ name: 'x' })], false, actOf('dan'))
  await registry.replace('too-warm', ruleOf({ name: 'y' }), '*')
  expect(registry.versions('too-warm').map(({ updatedBy }) => updatedBy)).toEqual([
    undefined,
    'dan',
    'cem',
    'ann',
  ])
})

describe('a whole set', () => {
  const set = [ruleOf({ id: 'c' }), ruleOf({ id: 'a', message: 'changed' }), ruleOf({ id: 'b' })]
  async function withThree() {
    const { registry } = await open()
    for (const id of ['a', 'b', 'd']) await registry.create(ruleOf({ id }))
    return registry
  }
  const changes = { id: 'a', changes: [{ pointer: '/message', before: ruleOf().message, after: 'changed' }] }

  test('is planned without a change', async () => {
    const registry = await withThree()
    const planned = { created: ['c'], updated: [changes], unchanged: ['b'], deleted: ['d'] }
    expect(registry.plan(set, true)).toEqual(planned)
    expect(registry.plan(set, false)).toEqual({ ...planned, deleted: [] })
    expect(registry.list({ limit: 9 }).map(({ id, version }) => [id, version])).toEqual([
      ['a', 1],
      ['b', 1],
      ['d', 1],
    ])
  })

  test('is applied as planned; what is not in it goes only with prune', async () => {
    const registry = await withThree()
    const versions = () => registry.list({ limit: 9 }).map(({ id, version }) => `${id} ${version}`)
    expect(await registry.apply(set, false)).toEqual({
      created: ['c'],
      updated: [changes],
      unchanged: ['b'],
      deleted: [],
    })
    expect(versions()).toEqual(['a 2', 'b 1', 'c 1', 'd 1'])
    expect(await registry.apply(set, true)).toEqual({
      created: [],
      updated: [],
      unchanged: ['a', 'b', 'c'],
      deleted: ['d'],
    })
    expect(versions()).toEqual(['a 2', 'b 1', 'c 1'])
  })

  test('of rules as they were exported changes nothing', async () => {
    const registry = await withThree()
    const exported = registry.list({ limit: 9 }).map(ownFields)
    const nothing = { created: [], updated: [], unchanged: ['a', 'b', 'd'], deleted: [] }
    expect(await registry.apply(JSON.parse(JSON.stringify(exported)), true)).toEqual(nothing)
  })
})
