import { describe, expect, test } from 'vitest'
import { answersMax, IdempotentAnswers, keptMs } from '../../http/idempotent-answers.ts'
import { TidemarkError } from '../../lib/errors.ts'
import { rule, startApi, startMs, type TestApi } from './api.ts'

const create = (api: TestApi, path: string, body: unknown, key: string, token = api.adminToken) =>
  api.call('POST', path, body, { token, headers: { 'idempotency-key': key } })
const device = { id: 'd-1', type: 'fridge' }

describe('Idempotency-Key', () => {
  test.each([
    ['devices', device],
    ['tokens', { name: 'x', role: 'read' }],
    ['rules', rule],
    ['maintenance-windows', { from: '2026-11-23T00:00:00Z', to: '2026-11-24T00:00:00Z' }],
  ])('a creation at %s that is repeated is answered as the first time, and made once', async (path, body) => {
    const api = await startApi()
    const first = await create(api, path, body, '"key-1"')
    expect(first.status).toBe(201)
    const again = await create(api, path, body, '"key-1"')
    expect([again.status, again.text]).toEqual([201, first.text])
    for (const header of ['location', 'etag', 'content-type'])
      expect(again.headers[header], header).toBe(first.headers[header])
    // With or without quotes it is the same key.
    expect((await create(api, path, body, 'key-1')).text).toBe(first.text)
    expect((await api.get(path)).body.items).toHaveLength(1)
  })

  test('a secret that is rotated again with the same key stays', async () => {
    const api = await startApi()
    await api.devices.create({ id: 'd-1', type: 'fridge' })
    const rotate = () => create(api, 'devices/d-1/credentials', undefined, 'rotate')
    const [first, again] = [await rotate(), await rotate()]
    expect(again.body.credentials).toEqual(first.body.credentials)
  })

  test('a body that nests without end is refused as it is without a key', async () => {
    const api = await startApi()
    const deep = '['.repeat(30_000) + ']'.repeat(30_000)
    const sent = (headers: Record<string, string>) =>
      api.http.inject({
        ...{ method: 'POST', url: '/api/v1/rules', payload: deep },
        headers: {
          authorization: `Bearer ${api.adminToken}`,
          'content-type': 'application/json',
          ...headers,
        },
      })
    const codes = [await sent({}), await sent({ 'idempotency-key': 'k' })].map((answer) => answer.json().code)
    expect(codes).toEqual(['TIDEMARK_RULE_INVALID', 'TIDEMARK_RULE_INVALID'])
  })

  test('the same key with another body, or at another path, is 422', async () => {
    const api = await startApi()
    await create(api, 'devices', device, 'k')
    const reused = { status: 422, body: { code: 'TIDEMARK_IDEMPOTENCY_REUSED' } }
    expect(await create(api, 'devices', { ...device, id: 'd-2' }, 'k')).toMatchObject(reused)
    expect(await create(api, 'tokens', { name: 'x', role: 'read' }, 'k')).toMatchObject(reused)
    expect(api.devices.size).toBe(1)
  })

  test('two at once: one is worked on, the other told so with 409', async () => {
    const api = await startApi()
    const both = await Promise.all([create(api, 'devices', device, 'k'), create(api, 'devices', device, 'k')])
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409])
    const refused = both.find(({ status }) => status === 409)
    expect(refused?.body.code).toBe('TIDEMARK_IDEMPOTENCY_RUNNING')
    expect((await create(api, 'devices', device, 'k')).status).toBe(201)
  })

  test('a refusal is not kept: mended, the request may have the same key', async () => {
    const api = await startApi()
    expect((await create(api, 'devices', { id: '?', type: 'fridge' }, 'k')).status).toBe(422)
    expect((await create(api, 'devices', device, 'k')).status).toBe(201)
    expect((await create(api, 'devices', device, 'other')).status).toBe(409)
    expect((await create(api, 'devices', { ...device, id: 'd-2' }, 'other')).status).toBe(201)
  })

  test('a key is the caller’s own: another token’s is another', async () => {
    const api = await startApi()
    const other = await api.tokenOf('admin')
    const body = { name: 'x', role: 'read' }
    const [mine, theirs] = [
      await create(api, 'tokens', body, 'k'),
      await create(api, 'tokens', body, 'k', other),
    ]
    expect(theirs.status).toBe(201)
    expect(theirs.body.id).not.toBe(mine.body.id)
  })

  test.each(['', '""', '"', 'a b', 'é', 'x'.repeat(256)])('%j is no key: 400', async (key) => {
    const api = await startApi()
    const answer = await create(api, 'devices', device, key)
    expect(answer).toMatchObject({ status: 400, body: { code: 'TIDEMARK_IDEMPOTENCY_KEY' } })
  })

  test('verbs and reads take no notice of it', async () => {
    const api = await startApi()
    expect((await create(api, 'rules:validate', rule, '')).status).toBe(200)
    expect((await create(api, 'dead-letters:replay', { reason: 'value.wrong_type' }, 'k')).status).toBe(200)
  })

  test('no secret is readable in what is kept', async () => {
    const api = await startApi()
    const { body } = await create(api, 'devices', device, 'k')
    const kept = JSON.stringify(api.log.entries('idempotent-answers'))
    expect(kept.length).toBeGreaterThan(200)
    for (const text of [body.credentials.password, 'd-1', '"k"', api.adminToken])
      expect(kept).not.toContain(text)
    const [[, { sealed }]] = api.log.entries<{ sealed: string }>('idempotent-answers') as [
      [string, { sealed: string }],
    ]
    const bytes = Buffer.from(sealed, 'base64').toString('latin1')
    for (const text of [body.credentials.password, 'd-1', 'password']) expect(bytes).not.toContain(text)
  })

  test('what was created is answered with 201 where the answer cannot be kept', async () => {
    const api = await startApi()
    const { transaction } = api.log
    api.log.transaction = (work) => {
      if (api.devices.size > 0) return Promise.reject(new TidemarkError('TIDEMARK_LOG_WRITE', 'refused'))
      return transaction.call(api.log, work) as never
    }
    expect((await create(api, 'devices', device, 'k')).status).toBe(201)
    api.log.transaction = transaction
    expect((await create(api, 'devices', device, 'k')).status).toBe(409)
  })
})

describe('the answers kept', () => {
  const answer = { fingerprint: 'f', sealed: 's' }

  test('are there after a restart, for 24 hours', async () => {
    const { log } = await startApi()
    let now = startMs
    const clock = { now: () => now }
    await new IdempotentAnswers(log, clock).keep('a', answer)
    const restarted = new IdempotentAnswers(log, clock)
    now += keptMs - 1
    expect(restarted.begin('a', 'f')).toEqual({ outcome: 'answered', sealed: 's' })
    expect(restarted.begin('a', 'g')).toEqual({ outcome: 'reused' })
    now += 1
    expect(restarted.begin('a', 'g')).toEqual({ outcome: 'begun' })
    await restarted.keep('b', answer)
    expect(log.entries('idempotent-answers').map(([row]) => row.slice(16))).toEqual(['b'])
  })

  test('are bounded: the oldest goes for the newest', async () => {
    const { log } = await startApi()
    let now = startMs
    const kept = new IdempotentAnswers(log, { now: () => now })
    for (let n = 0; n <= answersMax; n += 100) {
      await Promise.all(
        Array.from({ length: Math.min(100, answersMax + 1 - n) }, (_, i) => {
          now = startMs + n + i
          return kept.keep(`id-${n + i}`, answer)
        }),
      )
    }
    expect(log.entries('idempotent-answers')).toHaveLength(answersMax)
    expect(kept.begin('id-0', 'f')).toEqual({ outcome: 'begun' })
    expect(kept.begin('id-1', 'f').outcome).toBe('answered')
  })
})
