import { expect, test, vi } from 'vitest'
import type { AuditEntry } from '../../domain/audit-entry.ts'
import { recordNumber } from '../../domain/record-number.ts'
import { refusalsMax, refusalWindowMs } from '../../http/audit.ts'
import { namedRoutes } from '../../http/http-server.ts'
import { TidemarkError } from '../../lib/errors.ts'
import { tableNames } from '../../log/log.ts'
import { alarmId } from '../../rules/alarm-events.ts'
import { webhookReceiver } from '../events/webhook-receiver.ts'
import { alarmEvent, rule as storedRule, writeEvents } from '../rules/alarm-fixture.ts'
import { appendLetters, eventOf, letterOf, rule, startApi, startMs, type TestApi } from './api.ts'
import { filledPath } from './openapi-document.ts'

const adminActor = { id: 'admin', name: 'admin', role: 'admin' }
const secret = 'a-secret-of-the-webhook'
const window = { from: '2026-11-23T22:00:00Z', to: '2026-11-24T04:00:00Z' }

function entriesIn({ log }: TestApi, from = 0): AuditEntry[] {
  return log
    .read('audit', from, { entriesMax: 10_000, bytesMax: 1e8 })
    .map(({ value }) => JSON.parse(value.toString()) as AuditEntry)
}

/** Everything that is kept and that a request could change, as one text. */
function stateOf({ log }: TestApi): string {
  const letters = log
    .read('dead-letters', 0, { entriesMax: 1_000, bytesMax: 1e7 })
    .map(({ offset }) => offset)
  return JSON.stringify([letters, tableNames.map((name) => log.entries(name))])
}

const nameOf = ({ method, url }: { method: string; url: string }) =>
  `${method} ${filledPath(url, (name) => `{${name}}`)}`.replace(' /api/v1', ' ')

/** The API; while `refusing()`, its log does not take what goes into the audit log. */
async function apiThatRefuses() {
  const api = await startApi()
  let isRefusing = false
  const transaction = api.log.transaction.bind(api.log)
  vi.spyOn(api.log, 'transaction').mockImplementation((work) =>
    transaction((tx) =>
      work({
        ...tx,
        append: (stream, value, count) => {
          if (isRefusing && stream === 'audit') throw new TidemarkError('TIDEMARK_LOG_FULL', 'no room')
          return tx.append(stream, value, count)
        },
      }),
    ),
  )
  const refusing = async <T>(work: () => Promise<T>) => {
    isRefusing = true
    return work().finally(() => {
      isRefusing = false
    })
  }
  return { api, refusing }
}

test('each route that changes something leaves an entry when it has, and changes nothing where that cannot be written', async () => {
  const { api, refusing } = await apiThatRefuses()
  const { port } = await api.http.listen('127.0.0.1', 0)
  const routes = new Map(api.http.routes.map((route) => [nameOf(route), route]))
  const seen = new Set<string>()
  const secrets = [api.adminToken, secret]
  const leaving = new AbortController()

  /** Sends a change, first to a log that refuses its entry. Gives what it answered. */
  async function change(operation: string, path: string, body?: unknown, given: Record<string, string> = {}) {
    const method = operation.split(' ')[0]!
    const headers = { 'x-request-id': `request-${seen.size}`, ...given }
    const call = () => api.call(method, path, body, { token: api.adminToken, headers })
    const stream = () =>
      fetch(`http://127.0.0.1:${port}/api/v1/${path}`, {
        ...{ method, signal: leaving.signal },
        headers: { ...headers, authorization: `Bearer ${api.adminToken}` },
      })
    const [state, end] = [stateOf(api), api.log.end('audit')]
    const refused = await refusing(call)
    // A line of an import fails alone.
    expect(refused.text, operation).toContain('TIDEMARK_LOG_FULL')
    expect(stateOf(api) === state, `${operation} has changed something`).toBe(true)
    expect(api.log.end('audit')).toBe(end)

    if (operation === 'DELETE /backup-hold') await startHold()
    const answer = await (operation.endsWith(':stream') ? stream() : call())
    const answered = 'text' in answer && typeof answer.text === 'string' ? answer.text : ''
    expect([operation, answer.status < 300], answered).toEqual([operation, true])
    const entries = entriesIn(api, end)
    expect(entries.length, operation).toBeGreaterThan(0)
    for (const entry of entries) {
      expect(entry).toMatchObject({
        ...{ time: new Date(startMs).toISOString(), actor: adminActor, address: '127.0.0.1' },
        ...{ requestId: headers['x-request-id'], outcome: 'done' },
        ...{ operation: operation.replace(' ', ' /api/v1') },
        target: { kind: entry.action.split('.')[0] },
      })
      expect(routes.get(operation)?.audit).toContain(entry.action)
    }
    seen.add(operation)
    return { entries, body: answer.body as never as Record<string, never> }
  }
  const startHold = () => api.backupHold.take(() => undefined)
  const told = ({ entries }: { entries: AuditEntry[] }) =>
    entries.map(({ action, target, details }) => [action, target.id, details])

  // biome-ignore lint/suspicious/noExplicitAny: answers of any shape
  const made: any = (await change('POST /devices', 'devices', { id: 'd1', type: 'fridge' })).body
  secrets.push(made.credentials.password)
  const labels = { labels: { site: 'berlin' } }
  expect(told(await change('PATCH /devices/{id}', 'devices/d1', labels))).toEqual([
    ['device.updated', 'd1', { changed: ['labels'] }],
  ])
  const rotated = await change('POST /devices/{id}/credentials', 'devices/d1/credentials')
  secrets.push((rotated.body.credentials as never as { password: string }).password)
  const lines = '{"id":"d1","type":"fridge","labels":{}}\n{"id":"d2","type":"fridge"}\n'
  const imported = await change('POST /devices:import', 'devices:import', lines, {
    'content-type': 'application/x-ndjson',
  })
  expect(told(imported).sort()).toEqual([
    ['device.created', 'd2', {}],
    ['device.updated', 'd1', { changed: ['labels'] }],
  ])
  const command = { name: 'open_door', payload: { pin: 'pin-of-the-door' } }
  const sent = await change('POST /devices/{id}/commands', 'devices/d1/commands', command)
  expect(told(sent)).toEqual([['command.sent', sent.body.id, { device: 'd1', name: 'open_door' }]])
  await change('DELETE /devices/{id}/commands/{commandId}', `devices/d1/commands/${sent.body.id}`)
  secrets.push('pin-of-the-door')
  expect(told(await change('DELETE /devices/{id}', 'devices/d2?purge=data'))).toEqual([
    ['device.purge_begun', 'd2', {}],
    ['device.deleted', 'd2', {}],
  ])

  await change('PUT /profiles/{type}', 'profiles/pump', { metrics: {} })
  await change('DELETE /profiles/{type}', 'profiles/pump')

  const any = { 'if-match': '*' }
  const path = `rules/${rule.id}`
  await change('POST /rules', 'rules', rule)
  await change('PUT /rules/{id}', path, { ...rule, for: '20m' }, any)
  expect(
    told(await change('PATCH /rules/{id}', path, { severity: 'minor', message: 'in-the-message' }, any)),
  ).toEqual([['rule.updated', rule.id, { versionBefore: 2, version: 3, changed: ['message', 'severity'] }]])
  secrets.push('in-the-message')
  await change('POST /rules/{id}:disable', `${path}:disable`)
  await change('POST /rules/{id}:enable', `${path}:enable`)
  const set = { rules: [{ ...rule, id: 'other' }] }
  expect(told(await change('POST /rules:apply', 'rules:apply?prune=true', set))).toEqual([
    ['rule.created', 'other', { version: 1 }],
    ['rule.deleted', rule.id, { version: 5 }],
  ])
  await change('DELETE /rules/{id}', 'rules/other', undefined, any)
  const pack = await change('POST /rules:install', 'rules:install', { pack: 'indoor-air' })
  expect(pack.entries.map(({ target }) => target.id)).toEqual(pack.body.installed)
  const document = { devices: [{ id: 'd3', type: 'fridge' }], profiles: [{ type: 'pump' }], rules: [rule] }
  expect(told(await change('POST /import', 'import', document)).map(([action]) => action)).toEqual([
    ...['profile.put', 'device.created', 'rule.created'],
  ])

  await writeEvents(api.log, [alarmEvent('raised')])
  const id = alarmId(storedRule.id, 'fridge-1')
  const alarm = `alarms/${id}`
  const subject = { rule: 'too-warm', device: 'fridge-1' }
  const comment = { comment: 'in-the-comment' }
  expect(told(await change('POST /alarms/{id}:ack', `${alarm}:ack`, comment))).toEqual([
    ['alarm.acknowledged', id, subject],
  ])
  const until = new Date(startMs + 60_000).toISOString()
  expect(told(await change('POST /alarms/{id}:shelve', `${alarm}:shelve`, { until }))).toEqual([
    ['alarm.shelved', id, { ...subject, until }],
  ])
  await change('POST /alarms/{id}:comment', `${alarm}:comment`, { text: 'in-the-comment' })
  await change('POST /alarms/{id}:clear', `${alarm}:clear`, { reason: 'in-the-comment' })
  secrets.push('in-the-comment')

  await change('POST /maintenance-windows', 'maintenance-windows', { id: 'w', ...window })
  await change('PATCH /maintenance-windows/{id}', 'maintenance-windows/w', { reason: 'new cables' })
  await change('PUT /maintenance-windows/{id}', 'maintenance-windows/w', window)
  await change('DELETE /maintenance-windows/{id}', 'maintenance-windows/w')

  const payload = 'what-a-device-has-sent'
  await appendLetters(api.log, [letterOf(0, { payload }), letterOf(1, { payload })])
  const ids = ['0', '1']
  expect(told(await change('POST /dead-letters:replay', 'dead-letters:replay', { ids }))).toEqual([
    ['dead_letter.replayed', null, { ids }],
  ])
  secrets.push(payload)

  const input = { name: 'grafana', role: 'read', expiresAt: null }
  const token = await change('POST /tokens', 'tokens', input)
  expect(told(token)).toEqual([['token.created', token.body.id, input]])
  secrets.push(token.body.token!)
  const promoted = await change('PATCH /tokens/{id}', `tokens/${token.body.id}`, { role: 'admin' })
  expect(promoted.entries[0]?.details).toEqual({
    ...{ changed: ['role'], name: 'grafana', roleBefore: 'read', role: 'admin' },
  })
  await change('DELETE /tokens/{id}', `tokens/${token.body.id}`)

  const receiver = await webhookReceiver()
  const url = new URL('/in-the-path-of-the-webhook', receiver.url).href
  const { origin } = new URL(url)
  expect(told(await change('POST /webhooks', 'webhooks', { id: 'pager', url, secret }))).toEqual([
    ['webhook.created', 'pager', { origin }],
  ])
  secrets.push('in-the-path-of-the-webhook', 'another-secret')
  const another = { url, secret: 'another-secret' }
  expect(told(await change('PUT /webhooks/{id}', 'webhooks/pager', another))).toEqual([
    ['webhook.updated', 'pager', { changed: ['secret'], origin }],
  ])
  await change('PATCH /webhooks/{id}', 'webhooks/pager', { classes: ['health'] })
  await change('POST /webhooks:test', 'webhooks:test', { url, secret })
  const { uid } = api.webhooks.find('pager')!
  const event = { ...eventOf(0), sequence: recordNumber(0) }
  const dead = { id: event.sequence, event, attempts: 1, reason: 'gone', detail: '', deadAt: '' }
  await api.log.transaction((tx) => tx.put('dead-deliveries', `${uid}/${dead.id}`, dead))
  api.webhookDelivery.start()
  await expect.poll(() => api.webhookDelivery.status(uid)).toBeDefined()
  const replay = 'POST /webhooks/{id}/dead-deliveries:replay'
  expect(told(await change(replay, 'webhooks/pager/dead-deliveries:replay', { all: true }))).toEqual([
    ['dead_delivery.replayed', dead.id, { webhook: 'pager' }],
  ])
  await change('DELETE /webhooks/{id}', 'webhooks/pager')

  await change('POST /parts/{id}:restart', 'parts/ingest:restart')
  expect((await api.get('parts')).body.items[0].restarts).toBe(1)
  await change('POST /backup-hold:stream', 'backup-hold:stream')
  await change('DELETE /backup-hold', 'backup-hold')
  leaving.abort()

  const changing = api.http.routes.filter(({ method }) => !['GET', 'HEAD'].includes(method))
  expect([...seen].sort()).toEqual(
    changing
      .filter(({ audit }) => audit.length > 0)
      .map(nameOf)
      .sort(),
  )
  expect(changing.filter(({ audit }) => audit.length === 0).map(nameOf)).toEqual([
    ...['POST /rules:validate', 'POST /rules:test'],
  ])
  const text = JSON.stringify(entriesIn(api))
  expect(secrets.filter((one) => text.includes(one))).toEqual([])
})

test('what changes nothing has no entry: repeated, not there, taken, not valid, of another version', async () => {
  const api = await startApi()
  const device = { id: 'd', type: 'fridge', labels: { site: 'x' } }
  await api.post('devices', device)
  await api.post('rules', rule)
  await api.call('PUT', 'profiles/pump', { metrics: { pressure_bar: { kind: 'gauge' } } })
  await api.post('maintenance-windows', { id: 'w', ...window })
  const webhook = { url: 'https://hooks.example.com/', secret, severities: ['major'] }
  await api.post('webhooks', { id: 'pager', ...webhook })
  const { id, token } = (await api.post('tokens', { name: 'x', role: 'admin' })).body
  await writeEvents(api.log, [alarmEvent('raised')])
  const alarm = `alarms/${alarmId(storedRule.id, 'fridge-1')}`
  await api.post(`${alarm}:ack`)
  await api.post(`${alarm}:clear`)
  const end = api.log.end('audit')
  const any = { headers: { 'if-match': '*' } }
  const status = async (...call: Parameters<typeof api.call>) => (await api.call(...call)).status
  expect(await status('PATCH', 'devices/d', { type: 'fridge', labels: { site: 'x' } })).toBe(200)
  expect(await status('POST', 'devices:import', `${JSON.stringify(device)}`)).toBe(200)
  expect(await status('POST', 'import', { devices: [device], rules: [rule] })).toBe(200)
  expect(await status('PUT', 'profiles/pump', { metrics: { pressure_bar: { kind: 'gauge' } } })).toBe(200)
  expect(await status('PUT', `rules/${rule.id}`, rule, any)).toBe(200)
  expect(await status('POST', `rules/${rule.id}:enable`)).toBe(200)
  expect(await status('POST', 'rules:apply', { rules: [rule] })).toBe(200)
  expect(await status('POST', 'rules:apply?dryRun=true&prune=true', { rules: [] })).toBe(200)
  expect(await status('PUT', 'maintenance-windows/w', window)).toBe(200)
  expect(await status('PUT', 'webhooks/pager', webhook)).toBe(200)
  expect(await status('PATCH', `tokens/${id}`, { name: 'x' })).toBe(200)
  expect(await status('POST', `${alarm}:ack`)).toBe(200)
  expect(await status('POST', `${alarm}:clear`)).toBe(202)
  expect(await status('POST', `${alarm}:shelve`, { until: null })).toBe(200)
  expect(await status('POST', 'dead-letters:replay', { ids: ['7'] })).toBe(200)
  expect(await status('POST', 'rules:validate', rule)).toBe(200)
  expect(await status('POST', 'devices', device)).toBe(409)
  expect(await status('POST', 'devices', { id: 'x' })).toBe(422)
  expect(await status('DELETE', 'devices/nobody?purge=data')).toBe(404)
  expect(await status('DELETE', 'profiles/fridge')).toBe(409)
  expect(await status('DELETE', `rules/${rule.id}`, undefined, { headers: { 'if-match': '"9"' } })).toBe(412)
  expect(await status('DELETE', 'tokens/nobody')).toBe(404)
  expect(await status('POST', 'webhooks:test', { id: 'nobody' })).toBe(404)
  expect(await status('POST', 'parts/broker:restart')).toBe(404)
  expect(await status('DELETE', 'backup-hold')).toBe(409)
  expect(await status('GET', 'devices', undefined, { token })).toBe(200)
  expect(entriesIn(api, end)).toEqual([])
})

test('two who delete the same at once leave one entry', async () => {
  const api = await startApi()
  await api.post('devices', { id: 'd', type: 'fridge' })
  const { id } = (await api.post('tokens', { name: 'x', role: 'read' })).body
  const end = api.log.end('audit')
  await Promise.all(['devices/d', 'devices/d'].map((url) => api.call('DELETE', url)))
  await Promise.all([1, 2].map(() => api.call('DELETE', `tokens/${id}`)))
  expect(entriesIn(api, end).map(({ action }) => action)).toEqual(['device.deleted', 'token.revoked'])
})

test('a change that the role does not allow is written down, at most 20 a minute for each token; reading is not', async () => {
  const api = await startApi()
  const { id, token } = (await api.post('tokens', { name: 'grafana', role: 'read' })).body
  const other = await api.tokenOf('operate')
  const end = api.log.end('audit')
  const refuse = async (token: string, method = 'DELETE', url = 'devices/d1') =>
    expect((await api.call(method, url, undefined, { token })).status).toBe(403)
  await refuse(token)
  await refuse(token, 'GET', 'tokens')
  await refuse(token, 'POST', 'rules:apply')
  expect(entriesIn(api, end)).toMatchObject([
    {
      ...{ actor: { id, name: 'grafana', role: 'read' }, address: '127.0.0.1', outcome: 'refused' },
      ...{ operation: 'DELETE /api/v1/devices/{id}', action: 'device.deleted', details: {} },
      target: { kind: 'device', id: 'd1' },
    },
    { operation: 'POST /api/v1/rules:apply', action: 'rule.updated', target: { kind: 'rule', id: null } },
  ])
  for (let i = 0; i < refusalsMax; i++) await refuse(token)
  expect(entriesIn(api, end)).toHaveLength(refusalsMax)
  await refuse(other)
  expect(entriesIn(api, end)).toHaveLength(refusalsMax + 1)
  api.setNow(startMs + refusalWindowMs)
  await refuse(token)
  expect(entriesIn(api, end)).toHaveLength(refusalsMax + 2)
})

test('a refusal that cannot be written down is one all the same', async () => {
  const { api, refusing } = await apiThatRefuses()
  const token = await api.tokenOf('read')
  const answer = await refusing(() => api.call('DELETE', 'devices/d1', undefined, { token }))
  expect([answer.status, answer.body.code]).toEqual([403, 'TIDEMARK_FORBIDDEN'])
})

test('a route that names no role is not built, nor one that may change something and names no action', () => {
  const url = '/api/v1/things'
  const role = 'admin' as const
  const routes = (method: string | string[], config: object) =>
    namedRoutes({ method, url, config, handler: () => undefined } as never)
  expect(() => routes('GET', {})).toThrow('names no role')
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', ['GET', 'POST']])
    expect(() => routes(method, { role })).toThrow('names no action')
  expect(routes('POST', { role, audit: [] })).toEqual([{ method: 'POST', url, role, audit: [] }])
  expect(routes(['GET', 'HEAD'], { role })).toHaveLength(2)
})
