import { describe, expect, onTestFinished, test } from 'vitest'
import { isSigned, webhookReceiver } from '../../events/webhook-receiver.ts'
import { appendEvents, eventOf, startApi, type TestApi } from '../api.ts'

const url = 'https://hooks.example.com/services/T0/B0/xyz'
const secret = 'nobody is told this one'
const fridge = {
  name: 'Fridge too warm',
  class: 'maintenance',
  severity: 'major',
  when: { kind: 'threshold', metric: 'temperature_c', above: 8 },
}
const webhook = { kind: 'webhook', url, secret }
const any = { headers: { 'if-match': '*' } }
const kept = (api: TestApi) => api.rules.get('fridge-too-warm')?.actions
const pointers = ({ status, body }: { status: number; body: { errors?: { pointer: string }[] } }) => [
  status,
  ...(body.errors ?? []).map(({ pointer }) => pointer),
]

describe('webhooks of a rule', () => {
  test('are shown without their secrets, wherever the rule is, and without their paths to who may not change them', async () => {
    const api = await startApi()
    const texts: string[] = []
    const call = async (method: string, path: string, body?: unknown, options = any) => {
      const answer = await api.call(method, path, body, options)
      expect(answer.status, answer.text).toBeLessThan(300)
      texts.push(answer.text)
      return answer
    }
    const created = await call('POST', 'rules', { ...fridge, actions: [webhook] })
    const shown = [{ kind: 'webhook', url }]
    expect(created.body.actions).toEqual(shown)
    expect((await call('GET', 'rules')).body.items[0].actions).toEqual(shown)
    expect((await call('GET', 'rules/fridge-too-warm/versions')).body.items[0].actions).toEqual(shown)
    expect((await call('GET', 'rules:export')).body.rules[0].actions).toEqual(shown)
    expect((await call('GET', 'export')).body.rules[0].actions).toEqual(shown)
    expect((await call('PATCH', 'rules/fridge-too-warm', { message: 'warm' })).body.actions).toEqual(shown)
    await call('POST', 'rules/fridge-too-warm:disable')
    const other = { ...fridge, id: 'fridge-too-warm', actions: [{ ...webhook, secret: `${secret} either` }] }
    const planned = await call('POST', 'rules:apply?dryRun=true', { rules: [other] })
    expect(planned.body.updated[0].changes.at(-1)).toEqual({
      pointer: '/actions',
      before: shown,
      after: shown,
    })
    await call('GET', 'webhooks')
    for (const text of texts) expect(text).not.toContain(secret)
    const { token } = (await api.post('tokens', { name: 'reader', role: 'read' })).body
    for (const path of ['rules', 'rules/fridge-too-warm', 'rules:export', 'export', 'webhooks']) {
      const { text } = await api.call('GET', path, undefined, { token })
      expect(text).toContain('"url":"https://hooks.example.com"')
      expect(text).not.toContain('T0')
    }
  })

  test('stay as they are when the rule is sent back as it was read, and take another secret', async () => {
    const api = await startApi()
    const { body } = await api.post('rules', { ...fridge, actions: [webhook] })
    const before = kept(api)
    const again = await api.call('PUT', 'rules/fridge-too-warm', body, any)
    expect([again.status, again.body.version]).toEqual([200, 1])
    expect(kept(api)).toEqual(before)
    await api.call('PUT', 'rules/fridge-too-warm', { ...body, actions: [{ ...webhook, secret: 'new' }] }, any)
    expect(kept(api)).toEqual([{ ...before![0], secret: 'new' }])
    await api.call('PATCH', 'rules/fridge-too-warm', { actions: [] }, any)
    expect(kept(api)).toBeUndefined()
  })

  test.each([
    [
      'of another URL than before, without a secret',
      [{ kind: 'webhook', url: 'https://a.example' }],
      '/actions/0/secret',
    ],
    ['at a private address', [{ ...webhook, url: 'https://10.0.0.1/' }], '/actions/0/url'],
    ['that is no URL', [{ ...webhook, url: 'hooks' }], '/actions/0/url'],
    ['twice', [webhook, webhook], '/actions/1/url'],
  ])('one %s is refused', async (_what, actions, pointer) => {
    const api = await startApi()
    await api.post('rules', fridge)
    const body = { ...fridge, actions }
    expect(pointers(await api.post('rules', body))).toEqual([422, pointer])
    expect(pointers(await api.call('PUT', 'rules/fridge-too-warm', body, any))).toEqual([422, pointer])
    expect(pointers(await api.post('rules:validate', body))).toEqual([422, pointer])
    expect(pointers(await api.post('rules:apply', { rules: [body] }))).toEqual([422, `/rules/0${pointer}`])
    expect(kept(api)).toBeUndefined()
  })

  test('there are 32 at most in all rules together, those that a change replaces left out', async () => {
    const api = await startApi()
    const four = ['a', 'b', 'c', 'd'].map((path) => ({
      ...webhook,
      url: `https://hooks.example.com/${path}`,
    }))
    const rules = Array.from({ length: 8 }, (_, n) => ({ ...fridge, id: `r-${n}`, actions: four }))
    expect((await api.post('rules:apply', { rules })).status).toBe(200)
    const one = { ...fridge, id: 'more', actions: [webhook] }
    expect(pointers(await api.post('rules', one))).toEqual([422, '/actions'])
    expect(pointers(await api.post('rules:validate', one))).toEqual([422, '/actions'])
    expect(pointers(await api.post('rules:apply', { rules: [one] }))).toEqual([422, '/rules'])
    expect((await api.post('rules:apply', { rules })).status).toBe(200)
    expect((await api.post('rules:apply?prune=true', { rules: [one] })).status).toBe(200)
  })

  test('are listed with the others, and changed only with their rule', async () => {
    const api = await startApi()
    await api.post('webhooks', { id: 'pager', url, secret })
    await api.post('rules', { ...fridge, actions: [webhook] })
    const { items } = (await api.get('webhooks')).body
    expect(items).toHaveLength(2)
    const own = items.find(({ rule }: { rule?: string }) => rule === 'fridge-too-warm')
    expect(own).toMatchObject({
      url,
      classes: [],
      severities: [],
      rules: ['fridge-too-warm'],
      deadDeliveries: 0,
    })
    expect((await api.get(`webhooks/${own.id}`)).body).toEqual(own)
    expect((await api.get(`webhooks/${own.id}/dead-deliveries`)).body).toEqual({
      items: [],
      nextCursor: null,
    })
    for (const [method, body] of [
      ['PATCH', { url }],
      ['PUT', { url }],
      ['DELETE', undefined],
    ] as const) {
      const answer = await api.call(method, `webhooks/${own.id}`, body)
      expect([answer.status, answer.body.code]).toEqual([409, 'TIDEMARK_WEBHOOK_OF_RULE'])
    }
    await api.call('DELETE', 'rules/fridge-too-warm', undefined, any)
    expect((await api.get('webhooks')).body.items.map(({ id }: { id: string }) => id)).toEqual(['pager'])
  })

  test('get the events of their rule that follow, signed, and none once they are gone', async () => {
    const api = await startApi()
    api.webhookDelivery.start()
    const receiver = await webhookReceiver()
    onTestFinished(receiver.down)
    const ofRule = (n: number, rule: string) => {
      const event = eventOf(n)
      return { ...event, data: { ...event.data, rule } }
    }
    await appendEvents(api.log, [ofRule(0, 'fridge-too-warm')])
    const created = await api.post('rules', { ...fridge, actions: [{ ...webhook, url: receiver.url }] })
    expect(created.status).toBe(201)
    await appendEvents(api.log, [
      ofRule(1, 'fridge-too-warm'),
      ofRule(2, 'another'),
      ofRule(3, 'fridge-too-warm'),
    ])
    await expect.poll(() => receiver.taken().map(({ event }) => event.id)).toEqual(['event-1', 'event-3'])
    expect(receiver.received.every((one) => isSigned(one, secret))).toBe(true)
    await api.call('PATCH', 'rules/fridge-too-warm', { actions: null }, any)
    await appendEvents(api.log, [ofRule(4, 'fridge-too-warm')])
    await api.post('rules', { ...fridge, id: 'later', actions: [{ ...webhook, url: receiver.url }] })
    await appendEvents(api.log, [ofRule(5, 'later')])
    await expect
      .poll(() => receiver.taken().map(({ event }) => event.id))
      .toEqual(['event-1', 'event-3', 'event-5'])
  })
})
