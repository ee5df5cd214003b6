import { describe, expect, test } from 'vitest'
import { shippedProfiles } from '../../domain/shipped-profiles.ts'
import { conditionKinds } from '../../rules/condition-kinds.ts'
import { validateRule } from '../../rules/rule-schema.ts'
import { startApi } from '../http/api.ts'
import { boiler } from './bad-condition.ts'
import type { BadRule } from './bad-rule.ts'
import { corpus } from './bad-rules.ts'

const profiles = new Map([...shippedProfiles, boiler].map((profile) => [profile.type, profile]))

describe('the corpus of bad rules', () => {
  test('has more than 200, no two of one name, and some of every kind', () => {
    expect(corpus.length).toBeGreaterThan(200)
    const names = corpus.map(({ name }) => name)
    expect(names.filter((name, i) => names.indexOf(name) < i)).toEqual([])
    const kinds = new Set(corpus.map(({ good }) => (good as { when: { kind: string } }).when.kind))
    expect([...kinds].sort()).toEqual(Object.keys(conditionKinds).sort())
  })

  test.each(corpus)('$name', ({ good, json, pointers, words }) => {
    expect(validateRule(good, { profiles }), 'the rule around it').toMatchObject({ ok: true })
    const checked = validateRule(JSON.parse(json), { profiles })
    if (checked.ok) throw new Error('the rule was taken')
    expect([...new Set(checked.errors.map(({ pointer }) => pointer))].sort()).toEqual([...pointers].sort())
    expect(checked.errors[0]!.detail).toContain(words)
  })
})

describe('over HTTP', () => {
  const sent = corpus.filter(({ json }) => Buffer.byteLength(json) <= 64 * 1024)

  async function started() {
    const api = await startApi()
    const { type, ...profile } = boiler
    expect((await api.call('PUT', `profiles/${type}`, profile)).status).toBeLessThan(300)
    return api
  }
  const answerOf = ({ status, body }: { status: number; body: { errors?: { pointer: string }[] } }) => ({
    status,
    pointers: [...new Set(body.errors?.map(({ pointer }) => pointer))].sort(),
  })
  const expectedOf = ({ pointers }: BadRule, prefix = '') => ({
    status: 422,
    pointers: pointers.map((pointer) => prefix + pointer).sort(),
  })

  test('none is created or called valid, and none reaches the feed of changes', async () => {
    const api = await started()
    const revision = api.log.changesSince(0).at(-1)?.revision ?? 0
    for (const bad of sent) {
      expect(answerOf(await api.post('rules', bad.json)), bad.name).toEqual(expectedOf(bad))
      expect(answerOf(await api.post('rules:validate', bad.json)), bad.name).toEqual(expectedOf(bad))
      const wrapped = await api.post('rules:validate', `{"rule":${bad.json}}`)
      expect(answerOf(wrapped), bad.name).toEqual(expectedOf(bad, '/rule'))
      const inSet = await api.post('rules:apply', `{"rules":[${bad.json}]}`)
      expect(answerOf(inSet), bad.name).toEqual(expectedOf(bad, '/rules/0'))
    }
    expect((await api.get('rules')).body.items).toEqual([])
    expect(api.log.changesSince(revision)).toEqual([])
  })

  test('none replaces a rule, and none reaches the feed of changes', async () => {
    const api = await started()
    const [{ good }] = corpus as readonly [BadRule]
    const kept = (await api.post('rules', good)).body
    const revision = api.log.changesSince(0).at(-1)!.revision
    for (const bad of sent) {
      const answer = await api.call('PUT', 'rules/corpus', bad.json, { headers: { 'if-match': '*' } })
      expect(answerOf(answer), bad.name).toEqual(expectedOf(bad))
    }
    expect((await api.get('rules')).body.items).toEqual([kept])
    expect(api.log.changesSince(revision)).toEqual([])
  })
})
