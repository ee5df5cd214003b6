import { describe, expect, test } from 'vitest'
import { prototypeNames, rule, startApi, startMs, type TestApi } from '../api.ts'

const put = (api: TestApi, body: unknown, ifMatch?: string) =>
  api.call('PUT', `rules/${rule.id}`, body, ifMatch === undefined ? {} : { headers: { 'if-match': ifMatch } })
const patch = (api: TestApi, body: unknown, ifMatch: string) =>
  api.call('PATCH', `rules/${rule.id}`, body, { headers: { 'if-match': ifMatch } })

describe('creating', () => {
  test('answers with the rule, its place and its version as ETag', async () => {
    const api = await startApi()
    const created = await api.post('rules', rule)
    expect(created.status).toBe(201)
    expect(created.headers).toMatchObject({ location: `/api/v1/rules/${rule.id}`, etag: '"1"' })
    expect(created.body).toMatchObject({
      ...rule,
      select: { types: ['fridge'], labels: {}, devices: [] },
      enabled: true,
      version: 1,
      createdAt: '2026-11-23T12:00:00.000Z',
      updatedAt: '2026-11-23T12:00:00.000Z',
    })
    const read = await api.get(`rules/${rule.id}`)
    expect([read.body, read.headers.etag]).toEqual([created.body, '"1"'])
  })

  test('a second time is a conflict', async () => {
    const api = await startApi()
    await api.post('rules', rule)
    expect(await api.post('rules', rule)).toMatchObject({ status: 409, body: { code: 'TIDEMARK_EXISTS' } })
  })

  test.each([
    [{ ...rule, colour: 'red' }, '/colour'],
    [{ ...rule, severity: 'bad' }, '/severity'],
    [{ ...rule, when: { ...rule.when, metric: 'voltage_v' } }, '/when/metric'],
    [{ ...rule, for: 'soon' }, '/for'],
    ['no rule', ''],
  ])('%j is refused at %s', async (body, pointer) => {
    const api = await startApi()
    const refused = await api.post('rules', typeof body === 'string' ? JSON.stringify(body) : body)
    expect(refused).toMatchObject({ status: 422, body: { code: 'TIDEMARK_RULE_INVALID' } })
    expect(refused.body.errors[0].pointer).toBe(pointer)
    expect((await api.get('rules')).body.items).toEqual([])
  })
})

describe('If-Match', () => {
  test('is needed to replace, patch and delete', async () => {
    const api = await startApi()
    await api.post('rules', rule)
    for (const [method, body] of [
      ['PUT', rule],
      ['PATCH', {}],
      ['DELETE', undefined],
    ] as const) {
      const refused = await api.call(method, `rules/${rule.id}`, body)
      expect(refused, method).toMatchObject({ status: 428, body: { code: 'TIDEMARK_IF_MATCH' } })
    }
    expect((await api.get(`rules/${rule.id}`)).body.version).toBe(1)
  })

  test('with an old version is refused, and the answer tells the version there is', async () => {
    const api = await startApi()
    await api.post('rules', rule)
    expect((await put(api, { ...rule, name: 'second' }, '"1"')).status).toBe(200)
    for (const old of ['"1"', '"7"', 'W/"2"', '"x"', '']) {
      const refused = await put(api, { ...rule, name: 'third' }, old)
      expect(refused, old).toMatchObject({
        status: 412,
        headers: { etag: '"2"' },
        body: { code: 'TIDEMARK_STALE' },
      })
    }
    expect((await api.get(`rules/${rule.id}`)).body.name).toBe('second')
  })

  test('of two edits of the same version one wins', async () => {
    const api = await startApi()
    await api.post('rules', rule)
    const answers = await Promise.all(['a', 'b'].map((name) => put(api, { ...rule, name }, '"1"')))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412])
  })

  test('of * matches any version', async () => {
    const api = await startApi()
    await api.post('rules', rule)
    expect((await put(api, { ...rule, name: 'second' }, '*')).headers.etag).toBe('"2"')
  })
})

describe('changing', () => {
  test('a replacement is a new version, one that changes nothing is not', async () => {
    const api = await startApi()
    const created = (await api.post('rules', rule)).body
    api.setNow(startMs + 60_000)
    expect((await put(api, created, '"1"')).body).toMatchObject({ version: 1, updatedAt: created.updatedAt })
    const replaced = await put(api, { ...rule, severity: 'minor' }, '"1"')
    expect(replaced.body).toMatchObject({ version: 2, severity: 'minor', createdAt: created.createdAt })
    expect(replaced.body.updatedAt).toBe('2026-11-23T12:01:00.000Z')
  })

  test('a patch merges, and null takes a field away', async () => {
    const api = await startApi()
    await api.post('rules', { ...rule, description: 'about' })
    const patched = await patch(api, { when: { above: 9 }, description: null }, '"1"')
    expect(patched.body.when).toEqual({ ...rule.when, above: 9 })
    expect(patched.body).not.toHaveProperty('description')
    expect((await patch(api, { when: { above: null } }, '"2"')).status).toBe(422)
  })

  test('the id of the path stands', async () => {
    const api = await startApi()
    await api.post('rules', rule)
    const { id: _, ...withoutId } = rule
    expect((await put(api, withoutId, '"1"')).status).toBe(200)
    const other = await put(api, { ...rule, id: 'other' }, '*')
    expect([other.status, other.body.errors[0].pointer]).toEqual([422, '/id'])
  })

  test('versions are listed newest first and page', async () => {
    const api = await startApi()
    await api.post('rules', rule)
    for (let version = 1; version < 5; version++)
      await put(api, { ...rule, name: `v${version + 1}` }, `"${version}"`)
    const versions = await api.all(`rules/${rule.id}/versions`, 2)
    expect(versions.map((one) => one.version)).toEqual([5, 4, 3, 2, 1])
    expect(versions.at(-1).name).toBe(rule.name)
    expect((await api.get('rules/nobody/versions')).status).toBe(404)
  })

  test('disable and enable are versions and need no If-Match', async () => {
    const api = await startApi()
    await api.post('rules', rule)
    const disabled = await api.post(`rules/${rule.id}:disable`)
    expect(disabled).toMatchObject({ status: 200, headers: { etag: '"2"' }, body: { enabled: false } })
    expect((await api.get('rules?enabled=true')).body.items).toEqual([])
    expect((await api.get('rules?enabled=false')).body.items).toHaveLength(1)
    expect((await api.post(`rules/${rule.id}:enable`)).body).toMatchObject({ enabled: true, version: 3 })
    expect((await api.post('rules/nobody:enable')).status).toBe(404)
    expect((await api.post(`rules/${rule.id}:explode`)).status).toBe(404)
  })

  test('a rule deleted is gone; created again its versions go on', async () => {
    const api = await startApi()
    await api.post('rules', rule)
    const remove = (ifMatch: string) =>
      api.call('DELETE', `rules/${rule.id}`, undefined, { headers: { 'if-match': ifMatch } })
    expect((await remove('"9"')).status).toBe(412)
    expect((await remove('"1"')).status).toBe(204)
    expect((await remove('"1"')).status).toBe(404)
    expect((await api.post('rules', rule)).headers.etag).toBe('"2"')
  })
})

test('the list pages in order of ids, each rule once', async () => {
  const api = await startApi()
  const ids = ['a', 'b', 'c', 'd', 'e']
  for (const id of ids.toReversed()) await api.post('rules', { ...rule, id })
  for (const limit of [1, 2, 5]) expect((await api.all('rules', limit)).map(({ id }) => id)).toEqual(ids)
  expect((await api.get('rules?enabled=maybe')).status).toBe(422)
})

test('validate tells the metrics of a rule and keeps nothing, alone or under `rule`', async () => {
  const api = await startApi()
  for (const body of [rule, { rule }]) {
    const valid = await api.post('rules:validate', body)
    expect([valid.status, valid.body]).toEqual([200, { valid: true, metrics: ['temperature_c'] }])
  }
  const wrong = { ...rule, severity: 'bad' }
  expect((await api.post('rules:validate', wrong)).body.errors[0].pointer).toBe('/severity')
  expect((await api.post('rules:validate', { rule: wrong })).body.errors[0].pointer).toBe('/rule/severity')
  expect((await api.get('rules')).body.items).toEqual([])
})

test('a version names the token that made it', async () => {
  const api = await startApi()
  const { secret } = await api.tokens.create({ name: 'night shift', role: 'admin', expiresAt: null })
  expect((await api.post('rules', rule)).body.updatedBy).toBe('admin')
  const asOther = { token: secret, headers: { 'if-match': '*' } }
  await api.call('PUT', `rules/${rule.id}`, { ...rule, name: 'second' }, asOther)
  await api.call('PATCH', `rules/${rule.id}`, { name: 'third' }, asOther)
  await api.call('POST', `rules/${rule.id}:disable`, undefined, asOther)
  await api.post(`rules/${rule.id}:disable`)
  const versions = (await api.get(`rules/${rule.id}/versions`)).body.items
  expect(versions.map((one: { updatedBy: string }) => one.updatedBy)).toEqual([
    'night shift',
    'night shift',
    'night shift',
    'admin',
  ])
})

test('what a rule says of others is held against those there are', async () => {
  const api = await startApi()
  const flaps = { ...rule, id: 'flaps', for: '0s', when: { kind: 'flapping', of: { rule: rule.id } } }
  for (const path of ['rules', 'rules:validate']) {
    const refused = await api.post(path, flaps)
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/when/of/rule'])
  }
  await api.post('rules', rule)
  expect((await api.post('rules:validate', flaps)).status).toBe(200)
  expect((await api.post('rules', flaps)).status).toBe(201)
  const circle = await put(api, { ...rule, suppressedBy: ['flaps'] }, '*')
  expect([circle.status, circle.body.errors[0].pointer]).toEqual([422, '/suppressedBy/0'])
})

test('__proto__ as the name of a field is refused with a pointer, and merged nowhere', async () => {
  const api = await startApi()
  await api.post('rules', rule)
  const poisoned = '{"__proto__":{"enabled":false},"when":{"constructor":{"prototype":{}}}}'
  const refused = await patch(api, poisoned, '*')
  expect(refused.status).toBe(422)
  expect(refused.body.errors[0].pointer).toBe('/__proto__')
  expect((await api.get(`rules/${rule.id}`)).body).toMatchObject({ enabled: true, version: 1 })
  expect(({} as { enabled?: boolean }).enabled).toBeUndefined()
})

test('no rule is found under a name that every object has, or under an odd path', async () => {
  const api = await startApi()
  await api.post('rules', rule)
  for (const id of [
    ...prototypeNames,
    '%00',
    '..%2F',
    `${rule.id}%2F0000000001`,
    '%F0%9F%90%9F',
    'x'.repeat(99),
  ]) {
    expect((await api.get(`rules/${id}`)).status, id).toBe(404)
    expect((await api.get(`rules/${id}/versions`)).status, id).toBe(404)
    expect((await api.post(`rules/${id}:enable`)).status, id).toBe(404)
  }
})
