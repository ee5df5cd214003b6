import { expect, test } from 'vitest'
import { rule, startApi, type TestApi } from '../api.ts'

const other = { ...rule, id: 'other', name: 'Other' }
const third = { ...rule, id: 'third', name: 'Third' }
const versionsOf = async (api: TestApi) =>
  (await api.get('rules')).body.items.map(
    (one: { id: string; version: number }) => `${one.id} ${one.version}`,
  )

test('a set is applied together, and says what it did', async () => {
  const api = await startApi()
  await api.post('rules', rule)
  await api.post('rules', third)
  const set = { rules: [other, { ...rule, when: { ...rule.when, above: 9 } }] }
  const changes = [{ pointer: '/when/above', before: 8, after: 9 }]
  const expected = { created: ['other'], updated: [{ id: rule.id, changes }], unchanged: [], deleted: [] }
  expect(await api.post('rules:apply?dryRun=true', set)).toMatchObject({ status: 200, body: expected })
  expect(await versionsOf(api)).toEqual([`${rule.id} 1`, 'third 1'])
  expect((await api.post('rules:apply', set)).body).toEqual(expected)
  expect(await versionsOf(api)).toEqual([`${rule.id} 2`, 'other 1', 'third 1'])
  const pruned = { created: [], updated: [], unchanged: [rule.id, 'other'], deleted: ['third'] }
  expect((await api.post('rules:apply?prune=true&dryRun=true', set)).body).toEqual(pruned)
  expect((await api.post('rules:apply?prune=true', set)).body).toEqual(pruned)
  expect(await versionsOf(api)).toEqual([`${rule.id} 2`, 'other 1'])
  expect((await api.get('rules/other')).body.updatedBy).toBe('admin')
})

test('one bad rule keeps the whole set out', async () => {
  const api = await startApi()
  await api.post('rules', third)
  const refused = await api.post('rules:apply?prune=true', { rules: [other, { ...rule, severity: 'bad' }] })
  expect(refused).toMatchObject({ status: 422, body: { code: 'TIDEMARK_RULE_INVALID' } })
  expect(refused.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
    '/rules/1/severity',
  ])
  expect(await versionsOf(api)).toEqual(['third 1'])
})

test('with prune no rule may count on one that goes', async () => {
  const api = await startApi()
  await api.post('rules', rule)
  const set = { rules: [{ ...other, for: '0s', when: { kind: 'flapping', of: { rule: rule.id } } }] }
  expect((await api.post('rules:apply?prune=true', set)).body.errors[0].pointer).toBe('/rules/0/when/of/rule')
  expect((await api.post('rules:apply', set)).body.created).toEqual(['other'])
})

test('what is exported has nothing of this platform in it, and applied changes nothing', async () => {
  const api = await startApi()
  for (const one of [third, rule, other]) await api.post('rules', one)
  const { body } = await api.get('rules:export')
  expect(body.rules.map(({ id }: { id: string }) => id)).toEqual([rule.id, 'other', 'third'])
  for (const one of body.rules) {
    for (const field of ['version', 'createdAt', 'updatedAt', 'updatedBy'])
      expect(one).not.toHaveProperty(field)
  }
  const applied = await api.post('rules:apply?prune=true', body)
  expect(applied.body).toEqual({
    created: [],
    updated: [],
    unchanged: [rule.id, 'other', 'third'],
    deleted: [],
  })
})

test('a set is checked without being applied', async () => {
  const api = await startApi()
  const flaps = { ...other, for: '0s', when: { kind: 'flapping', of: { rule: rule.id } } }
  expect((await api.post('rules:validate', { rules: [flaps, rule] })).body).toEqual({ valid: true, rules: 2 })
  const refused = await api.post('rules:validate', { rules: [flaps] })
  expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/rules/0/when/of/rule'])
  expect((await api.post('rules:validate', { rules: 7 })).body.errors[0].pointer).toBe('/rules')
  expect(await versionsOf(api)).toEqual([])
})

test('a set may be larger than another body', async () => {
  const api = await startApi()
  const rules = Array.from({ length: 300 }, (_, n) => ({
    ...rule,
    id: `r${n}`,
    description: 'x'.repeat(500),
  }))
  expect((await api.post('rules:apply', { rules })).body.created).toHaveLength(300)
})

test.each([
  [[], ''],
  [{}, '/rules'],
  [{ rules: {} }, '/rules'],
  [{ rules: [], colour: 'red' }, '/colour'],
])('%j is no set', async (body, pointer) => {
  const api = await startApi()
  const refused = await api.post('rules:apply', body)
  expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, pointer])
})
