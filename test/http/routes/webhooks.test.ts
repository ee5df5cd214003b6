import { describe, expect, test } from 'vitest'
import { recordNumber } from '../../../domain/record-number.ts'
import { webhooksMax } from '../../../registry/webhook-registry.ts'
import { isSigned, webhookReceiver } from '../../events/webhook-receiver.ts'
import { appendEvents, eventOf, prototypeNames, startApi, type TestApi } from '../api.ts'

const secret = 'a secret of sixteen or more'
const webhook = { id: 'pager', url: 'https://hooks.example.com/services/T0/B0/xyz?k=1', secret }
const idle = { waiting: 0, deadDeliveries: 0, failing: null }
const shown = { id: 'pager', url: webhook.url, classes: [], severities: [], rules: [], ...idle }
const pointerOf = ({ status, body }: { status: number; body: { errors?: { pointer: string }[] } }) => [
  status,
  body.errors?.[0]?.pointer,
]

describe('the collection', () => {
  test('a webhook is made, read, changed, replaced and removed; its secret never comes back', async () => {
    const api = await startApi()
    const texts: string[] = []
    const call = async (method: string, url: string, body?: unknown) => {
      const answer = await api.call(method, url, body)
      texts.push(answer.text)
      return answer
    }
    const created = await call('POST', 'webhooks', webhook)
    expect([created.status, created.headers.location]).toEqual([201, '/api/v1/webhooks/pager'])
    expect(created.body).toEqual(shown)
    expect((await call('GET', 'webhooks/pager')).body).toEqual(shown)
    expect((await call('GET', 'webhooks')).body).toEqual({ items: [shown], nextCursor: null })
    const filters = { classes: ['health'], severities: ['critical'], rules: ['r-1'] }
    expect((await call('PATCH', 'webhooks/pager', filters)).body).toEqual({ ...shown, ...filters })
    expect(api.webhooks.find('pager')!.secret).toBe(secret)
    const other = { url: 'https://other.example.com/', secret: `${secret} again` }
    expect((await call('PATCH', 'webhooks/pager', other)).body).toEqual({
      ...shown,
      ...filters,
      url: other.url,
    })
    expect(api.webhooks.find('pager')!.secret).toBe(other.secret)
    // What was read can be sent back: without a secret the one that is there stays.
    expect((await call('PUT', 'webhooks/pager', { url: webhook.url })).body).toEqual(shown)
    expect(api.webhooks.find('pager')!.secret).toBe(other.secret)
    expect((await call('PUT', 'webhooks/pager', webhook)).status).toBe(200)
    expect(texts.filter((text) => text.includes('secret'))).toEqual([])
    expect((await call('DELETE', 'webhooks/pager')).status).toBe(204)
    for (const [method, body] of [['GET'], ['PUT', webhook], ['PATCH', filters], ['DELETE']] as const) {
      expect(await call(method, 'webhooks/pager', body), method).toMatchObject({
        ...{ status: 404, body: { code: 'TIDEMARK_NOT_FOUND' } },
      })
    }
  })

  test('an id is made where none is given; one that is taken is a conflict', async () => {
    const api = await startApi()
    const { body } = await api.post('webhooks', { ...webhook, id: undefined })
    expect(body.id).toMatch(/^[0-9a-f-]{36}$/)
    expect((await api.post('webhooks', webhook)).status).toBe(201)
    expect(await api.post('webhooks', webhook)).toMatchObject({
      status: 409,
      body: { code: 'TIDEMARK_EXISTS' },
    })
  })

  test('there are so many at most, and one more once one is removed', async () => {
    const api = await startApi()
    const make = (n: number) => api.post('webhooks', { ...webhook, id: `w-${n}` })
    for (let n = 0; n < webhooksMax; n++) expect((await make(n)).status).toBe(201)
    expect(await make(99)).toMatchObject({ status: 409, body: { code: 'TIDEMARK_WEBHOOK_LIMIT' } })
    await api.call('DELETE', 'webhooks/w-0')
    expect((await make(99)).status).toBe(201)
    expect((await api.all('webhooks', 7)).map(({ id }) => id)).toHaveLength(webhooksMax)
  })

  test('who may not change webhooks is told the origin of the URL: the right to post may be in its path', async () => {
    const api = await startApi()
    await api.post('webhooks', webhook)
    for (const role of ['read', 'operate'] as const) {
      const token = await api.tokenOf(role)
      for (const path of ['webhooks', 'webhooks/pager']) {
        const { status, text } = await api.call('GET', path, undefined, { token })
        expect([status, text.includes('https://hooks.example.com"'), text.includes('xyz')]).toEqual([
          200,
          true,
          false,
        ])
      }
    }
  })

  test('names that every object has are no webhooks', async () => {
    const api = await startApi()
    for (const name of prototypeNames) {
      for (const path of [`webhooks/${name}`, `webhooks/${name}/dead-deliveries`]) {
        expect((await api.get(path)).status, path).toBe(404)
      }
      expect((await api.post('webhooks:test', { id: name })).status).not.toBe(200)
    }
  })
})

describe('what is refused', () => {
  test.each([
    [{ url: undefined }, '/url'],
    [{ url: 'not a URL' }, '/url'],
    [{ url: 'ftp://example.com/' }, '/url'],
    [{ url: 'https://10.0.0.1/' }, '/url'],
    [{ url: 'https://[::1]/' }, '/url'],
    [{ url: 'https://169.254.169.254/latest/meta-data' }, '/url'],
    [{ url: 'https://user:password@example.com/' }, '/url'],
    [{ secret: undefined }, '/secret'],
    [{ secret: '' }, '/secret'],
    [{ secret: 'x'.repeat(129) }, '/secret'],
    [{ secret: 'whsec_c2hvcnQ=' }, '/secret'],
    [{ secret: 'whsec_not base64 at all, though it is long enough' }, '/secret'],
    [{ classes: ['weather'] }, '/classes/0'],
    [{ severities: ['major', 'dire'] }, '/severities/1'],
    [{ rules: ['Not An Id'] }, '/rules/0'],
    [{ id: 'Not An Id' }, '/id'],
    [{ id: 'constructor ' }, '/id'],
    [{ enabled: true }, '/enabled'],
    [{ uid: 'mine' }, '/uid'],
    [{ from: 0 }, '/from'],
  ])('%j at %s', async (given, pointer) => {
    const api = await startApi()
    expect(pointerOf(await api.post('webhooks', { ...webhook, ...given }))).toEqual([422, pointer])
    if (!('secret' in given && given.secret === undefined)) {
      expect((await api.call('PUT', 'webhooks/pager', { ...webhook, ...given })).status).toBe(422)
    }
    if (Object.values(given)[0] !== undefined) {
      expect(pointerOf(await api.call('PATCH', 'webhooks/pager', given))).toEqual([422, pointer])
    }
  })

  test('another id than that of the path', async () => {
    const api = await startApi()
    await api.post('webhooks', webhook)
    expect(pointerOf(await api.call('PUT', 'webhooks/pager', { ...webhook, id: 'other' }))).toEqual([
      422,
      '/id',
    ])
  })

  test.each([
    [{}, ''],
    [{ id: 'pager', url: webhook.url }, ''],
    [{ url: webhook.url }, ''],
    [{ url: 'https://10.0.0.1/', secret }, '/url'],
  ])('a test of %j at %j', async (body, pointer) => {
    const api = await startApi()
    expect(pointerOf(await api.post('webhooks:test', body))).toEqual([422, pointer])
  })
})

describe(':test', () => {
  test('sends one signed event that is no alarm, to a webhook or to what may become one', async () => {
    const api = await startApi()
    const receiver = await webhookReceiver()
    const tried = await api.post('webhooks:test', { url: receiver.url, secret })
    expect(tried).toMatchObject({
      status: 200,
      body: { delivered: true, status: 204, durationMs: expect.any(Number) },
    })
    await api.post('webhooks', { ...webhook, url: receiver.url, classes: ['health'] })
    expect((await api.post('webhooks:test', { id: 'pager' })).body).toMatchObject({ delivered: true })
    expect(receiver.received.map(({ event }) => [event.type, event.source])).toEqual([
      ['tidemark.webhook.test.v1', '/webhooks:test'],
      ['tidemark.webhook.test.v1', '/webhooks/pager'],
    ])
    expect(receiver.received.every((one) => isSigned(one, secret) && one.id === one.event.id)).toBe(true)
    expect((await api.post('webhooks:test', { id: 'nobody' })).status).toBe(404)
  })

  test('says what went wrong, and nothing of what was answered', async () => {
    const api = await startApi()
    const receiver = await webhookReceiver((_n, _one, response) => {
      response.writeHead(500).end('the inner workings of the receiver')
      return 'by hand'
    })
    const { status, body } = await api.post('webhooks:test', { url: receiver.url, secret })
    expect([status, body]).toEqual([
      200,
      { delivered: false, status: 500, detail: 'the answer was 500', durationMs: expect.any(Number) },
    ])
    await receiver.down()
    expect((await api.post('webhooks:test', { url: receiver.url, secret })).body).toEqual({
      ...{
        delivered: false,
        detail: expect.stringContaining('ECONNREFUSED'),
        durationMs: expect.any(Number),
      },
    })
  })
})

describe('dead deliveries', () => {
  /** A webhook that has given up on so many events, and whose receiver is well again. */
  async function withDead(
    count: number,
  ): Promise<{ api: TestApi; receiver: Awaited<ReturnType<typeof webhookReceiver>> }> {
    const api = await startApi()
    let isGone = true
    const receiver = await webhookReceiver(() => (isGone ? 410 : 204))
    api.webhookDelivery.start()
    await api.post('webhooks', { ...webhook, url: receiver.url })
    await appendEvents(
      api.log,
      Array.from({ length: count }, (_, n) => eventOf(n)),
    )
    const dead = async () => (await api.get('webhooks/pager')).body.deadDeliveries
    await expect.poll(dead, { timeout: 10_000 }).toBe(count)
    isGone = false
    return { api, receiver }
  }

  test('are listed page by page, whole, and replayed', async () => {
    const { api, receiver } = await withDead(5)
    const all = await api.all('webhooks/pager/dead-deliveries', 2)
    expect(all.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4].map(recordNumber))
    expect(all[0]).toMatchObject({
      ...{ event: { ...eventOf(0), sequence: recordNumber(0) }, attempts: 1, reason: 'gone' },
      detail: 'the answer was 410',
    })
    const ids = [recordNumber(3), recordNumber(77)]
    expect((await api.post('webhooks/pager/dead-deliveries:replay', { ids })).body).toEqual({
      ...{ replayed: 1, failed: [{ id: recordNumber(77), reason: 'not found' }], more: false },
    })
    const operator = await api.tokenOf('operate')
    const rest = { all: true }
    const replayed = await api.call('POST', 'webhooks/pager/dead-deliveries:replay', rest, {
      token: operator,
    })
    expect(replayed.body).toEqual({ replayed: 4, failed: [], more: false })
    expect(receiver.taken().map(({ id }) => id)).toEqual([3, 0, 1, 2, 4].map((n) => `event-${n}`))
    expect((await api.get('webhooks/pager/dead-deliveries')).body).toEqual({ items: [], nextCursor: null })
  })

  test.each([{}, { ids: [] }, { ids: ['1'] }, { all: false }, { all: true, ids: [recordNumber(1)] }])(
    'a replay of %j is refused',
    async (body) => {
      const api = await startApi()
      await api.post('webhooks', webhook)
      expect((await api.post('webhooks/pager/dead-deliveries:replay', body)).status).toBe(422)
    },
  )

  test('of no webhook are not there', async () => {
    const api = await startApi()
    expect((await api.get('webhooks/nobody/dead-deliveries')).status).toBe(404)
    expect((await api.post('webhooks/nobody/dead-deliveries:replay', { all: true })).status).toBe(404)
  })
})

test('/metrics has what became of deliveries', async () => {
  const api = await startApi()
  expect((await api.get('/metrics')).text).toContain(
    'tidemark_webhook_deliveries_total{outcome="delivered"} 0\n',
  )
})
