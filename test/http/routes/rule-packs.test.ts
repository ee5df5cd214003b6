import { describe, expect, test } from 'vitest'
import { rulePacks } from '../../../rules/rule-packs.ts'
import { startApi, type TestApi } from '../api.ts'

const waterIds = [
  'water-leak',
  'water-burst-5',
  'water-burst-10',
  'water-burst-20',
  'water-night-flow',
  'water-frost',
]
const patch = (api: TestApi, id: string, body: unknown) =>
  api.call('PATCH', `rules/${id}`, body, { headers: { 'if-match': '*' } })
const idsOf = async (api: TestApi) =>
  (await api.get('rules?limit=1000')).body.items.map(({ id }: { id: string }) => id)

describe('listing', () => {
  test('names every pack with its standards and the ids of its rules', async () => {
    const api = await startApi()
    const { items, nextCursor } = (await api.get('rule-packs')).body
    expect(nextCursor).toBeNull()
    expect(items.map(({ name }: { name: string }) => name)).toEqual([
      'cold-chain',
      'device-health',
      'electricity',
      'gas',
      'home-energy',
      'hvac',
      'indoor-air',
      'vibration',
      'water',
      'wearables',
    ])
    const water = items.find(({ name }: { name: string }) => name === 'water')
    expect(water.rules).toEqual(waterIds)
    expect(water.standards).not.toEqual([])
  })

  test('one pack comes with its rules as they can be posted', async () => {
    const api = await startApi()
    const { body } = await api.get('rule-packs/water')
    expect(body.rules.map(({ id }: { id: string }) => id)).toEqual(waterIds)
    expect(await api.post('rules', body.rules[0])).toMatchObject({ status: 201 })
  })

  test.each(['nothing', '__proto__', 'Water'])('there is no pack %s', async (name) => {
    const api = await startApi()
    expect(await api.get(`rule-packs/${name}`)).toMatchObject({ status: 404 })
  })
})

describe('installing', () => {
  test.each(rulePacks.map(({ name }) => name))('%s becomes plain rules of version 1', async (pack) => {
    const api = await startApi()
    const answer = await api.post('rules:install', { pack })
    const ids = rulePacks.find(({ name }) => name === pack)!.rules.map(({ id }) => id)
    expect(answer).toMatchObject({ status: 201, body: { installed: ids, unchanged: [], kept: [] } })
    const { items } = (await api.get('rules?limit=1000')).body
    expect(items.map(({ id }: { id: string }) => id)).toEqual([...ids].sort())
    for (const rule of items) {
      expect(rule).toMatchObject({ version: 1, enabled: true, labels: { pack } })
      expect(rule.labels.standard).toMatch(/\S/)
      expect(await api.post('rules:validate', rule)).toMatchObject({ status: 200 })
    }
  })

  test('again changes nothing', async () => {
    const api = await startApi()
    await api.post('rules:install', { pack: 'water' })
    const again = await api.post('rules:install', { pack: 'water' })
    expect(again).toMatchObject({ status: 201, body: { installed: [], unchanged: waterIds, kept: [] } })
    expect((await api.get('rules/water-leak')).body.version).toBe(1)
  })

  test('again leaves alone what was edited or disabled, says so, and brings back what was deleted', async () => {
    const api = await startApi()
    await api.post('rules:install', { pack: 'water' })
    await patch(api, 'water-leak', { for: '48h' })
    await api.post('rules/water-frost:disable')
    await api.call('DELETE', 'rules/water-burst-5', undefined, { headers: { 'if-match': '*' } })
    const { body } = await api.post('rules:install', { pack: 'water' })
    expect(body.installed).toEqual(['water-burst-5'])
    expect(body.kept).toEqual(['water-leak', 'water-frost'])
    expect(body.unchanged).toEqual(['water-burst-10', 'water-burst-20', 'water-night-flow'])
    expect((await api.get('rules/water-leak')).body).toMatchObject({ for: '48h', version: 2 })
    expect((await api.get('rules/water-frost')).body.enabled).toBe(false)
    expect((await api.get('rules/water-burst-5')).body.version).toBe(2)
  })

  test('with replace puts the edited ones back', async () => {
    const api = await startApi()
    await api.post('rules:install', { pack: 'water' })
    await patch(api, 'water-leak', { for: '48h' })
    const { body } = await api.post('rules:install', { pack: 'water', replace: true })
    expect(body).toMatchObject({ installed: ['water-leak'], kept: [] })
    expect((await api.get('rules/water-leak')).body).toMatchObject({ for: '24h', version: 3 })
    expect((await api.post('rules:install', { pack: 'water' })).body.unchanged).toEqual(waterIds)
  })

  test('an edit that was taken back is none', async () => {
    const api = await startApi()
    await api.post('rules:install', { pack: 'water' })
    await patch(api, 'water-leak', { for: '48h' })
    await patch(api, 'water-leak', { for: '24h' })
    expect((await api.post('rules:install', { pack: 'water' })).body.unchanged).toEqual(waterIds)
  })

  test('a rule of somebody else with the same id is kept', async () => {
    const api = await startApi()
    const { rules } = (await api.get('rule-packs/water')).body
    await api.post('rules', { ...rules[0], name: 'Mine' })
    const { body } = await api.post('rules:install', { pack: 'water' })
    expect(body).toMatchObject({ kept: ['water-leak'], installed: waterIds.slice(1) })
    expect((await api.get('rules/water-leak')).body.name).toBe('Mine')
  })

  test('select narrows what each rule selects itself, and a later one moves rules that nobody edited', async () => {
    const api = await startApi()
    await api.post('rules:install', { pack: 'water', select: { labels: { site: 'berlin' } } })
    expect((await api.get('rules/water-leak')).body.select).toEqual({
      types: ['water_meter'],
      labels: { site: 'berlin' },
      devices: [],
    })
    const { body } = await api.post('rules:install', { pack: 'water', select: { devices: ['w-1'] } })
    expect(body.installed).toEqual(waterIds)
    expect((await api.get('rules/water-leak')).body.select).toEqual({
      types: ['water_meter'],
      labels: {},
      devices: ['w-1'],
    })
  })

  test('a label against that of a rule is refused, and nothing is installed', async () => {
    const api = await startApi()
    const select = { labels: { generation: 'pv' } }
    const refused = await api.post('rules:install', { pack: 'electricity', select })
    expect(refused).toMatchObject({ status: 422, body: { code: 'TIDEMARK_RULE_INVALID' } })
    expect(refused.body.errors).toEqual([
      {
        pointer: '/select/labels/generation',
        detail: 'electricity-export-without-generation asks for generation = none',
      },
    ])
    expect(await idsOf(api)).toEqual([])
  })

  test('a device that cannot be is refused at its place', async () => {
    const api = await startApi()
    const refused = await api.post('rules:install', { pack: 'gas', select: { devices: ['a', '*'] } })
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/select/devices/1'])
  })

  test('a profile of the user’s own that lacks a metric refuses the pack and names the rule', async () => {
    const api = await startApi()
    const metrics = { temperature_c: { kind: 'gauge' } }
    await api.call('PUT', 'profiles/water_meter', { type: 'water_meter', metrics })
    const refused = await api.post('rules:install', { pack: 'water' })
    expect(refused).toMatchObject({ status: 422 })
    expect(refused.body.errors[0].pointer).toBe('/pack')
    expect(refused.body.errors[0].detail).toContain('water-leak/when/metric')
    expect(await idsOf(api)).toEqual([])
  })

  test.each([
    [{ pack: 'nothing' }, 404],
    [{}, 422],
    [{ pack: 'water', colour: 'red' }, 422],
    [{ pack: 'water', select: { types: ['fridge'] } }, 422],
    [{ pack: 'water', replace: 'yes' }, 422],
  ])('%j is answered with %i', async (body, status) => {
    const api = await startApi()
    expect((await api.post('rules:install', body)).status).toBe(status)
    expect(await idsOf(api)).toEqual([])
  })
})

test('packs may be read with role read, installed by an administrator only', async () => {
  const api = await startApi()
  for (const [role, status] of [
    ['read', 403],
    ['operate', 403],
    ['admin', 201],
  ] as const) {
    const { token } = (await api.post('tokens', { name: role, role })).body
    expect((await api.call('GET', 'rule-packs/water', undefined, { token })).status).toBe(200)
    expect((await api.call('POST', 'rules:install', { pack: 'water' }, { token })).status, role).toBe(status)
  }
})
