import { describe, expect, test } from 'vitest'
import { TidemarkError } from '../../lib/errors.ts'
import type { Role } from '../../registry/token-registry.ts'
import type { DuckDbStore } from '../../storage/duckdb-store.ts'
import { startApi, startMs } from './api.ts'
import { filledPath } from './openapi-document.ts'

const roles: readonly Role[] = ['read', 'operate', 'admin']
/** A path that the route takes, with ids of nothing. */
const samplePath = (url: string) => filledPath(url, () => 'nothing')

/** The status of an answer that does not end by itself, over a socket. */
async function streamStatus(port: number, method: string, path: string, token: string): Promise<number> {
  const leaving = new AbortController()
  const headers = { authorization: `Bearer ${token}` }
  const { status } = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers,
    signal: leaving.signal,
  })
  leaving.abort()
  return status
}

describe('routes × roles', () => {
  test('every route of the API refuses a caller without a valid token, and one whose role is below its own; others it lets in', async () => {
    const api = await startApi()
    const { port } = await api.http.listen('127.0.0.1', 0)
    const tokens = new Map<Role, string>()
    for (const role of roles) tokens.set(role, await api.tokenOf(role))
    const expired = await api.tokens.create({
      name: 'x',
      role: 'admin',
      expiresAt: new Date(startMs).toISOString(),
    })
    const revoked = await api.tokens.create({ name: 'x', role: 'admin', expiresAt: null })
    await api.tokens.remove(revoked.token.id)
    const guarded = api.http.routes.filter(({ url }) => url.startsWith('/api/'))
    expect(guarded.length).toBeGreaterThan(40)
    for (const { method, url, role } of guarded) {
      const call = (token: string | undefined) => api.call(method, samplePath(url), undefined, { token })
      for (const token of [undefined, 'wrong', '', 'constructor', expired.secret, revoked.secret]) {
        const refused = await call(token)
        expect([refused.status, refused.headers['www-authenticate']], `${method} ${url}`).toEqual([
          401,
          'Bearer realm="tidemark"',
        ])
      }
      for (const caller of roles) {
        const token = tokens.get(caller)!
        const isAllowed = roles.indexOf(caller) >= roles.indexOf(role!)
        const status = /[/:]stream$/.test(url)
          ? await streamStatus(port, method, samplePath(url), token)
          : (await call(token)).status
        if (isAllowed) expect([401, 403], `${method} ${url} by ${caller}`).not.toContain(status)
        else expect(status, `${method} ${url} by ${caller}`).toBe(403)
      }
    }
  })

  test('reading needs read, everyday work operate, and every other change admin', async () => {
    const api = await startApi()
    for (const { method, url, role } of api.http.routes) {
      if (!url.startsWith('/api/')) continue
      // Of the tokens, one's own alone; and what others have done is not for all to see.
      const isOfAdmins = (url.includes('/tokens') && !url.endsWith('/self')) || url.endsWith('/audit')
      const isRead = ['GET', 'HEAD'].includes(method) && !isOfAdmins
      // A test of a webhook makes a request of its own.
      const isHarmless = /::(validate|test)$/.test(url) && !url.includes('/webhooks')
      const isWork = /\/(commands|dead-letters|dead-deliveries|alarms|maintenance-windows)\b/.test(url)
      const expected = isRead || isHarmless ? 'read' : isWork ? 'operate' : 'admin'
      expect(role, `${method} ${url}`).toBe(expected)
    }
  })

  test('outside the API only health, metrics and pages are open', async () => {
    const api = await startApi()
    const open = api.http.routes.filter(({ role, method }) => role === undefined && method === 'GET')
    expect(open.map(({ url }) => url).sort()).toEqual([
      '/',
      '/assets/:name',
      '/asyncapi.json',
      '/docs',
      '/livez',
      '/metrics',
      '/openapi.json',
      '/problems/:code',
      '/readyz',
    ])
  })
})

describe('what is refused', () => {
  test('a path that is not there: 404 as a problem, under the API only to a caller with a token', async () => {
    const api = await startApi()
    for (const path of [
      '/nothing',
      '/api/v1/nothing',
      '/api/v1/devices:explode',
      '/api/v2/devices',
      '/api/v1/devices/',
    ]) {
      const answer = await api.get(path)
      expect(answer, path).toMatchObject({ status: 404, body: { code: 'TIDEMARK_NOT_FOUND', status: 404 } })
      expect(answer.headers['content-type']).toContain('application/problem+json')
    }
    expect((await api.call('GET', '/api/v1/nothing', undefined, { token: undefined })).status).toBe(401)
    expect((await api.call('POST', '/api/v1/devices/x', undefined)).status).toBe(404)
  })

  test.each(['{"id": ', '{"__proto__": {"a": 1}}', '{"constructor": {"prototype": {}}}', ''])(
    'a body that is not sound JSON, %j: 400',
    async (body) => {
      const api = await startApi()
      const answer = await api.call('POST', 'devices', body)
      expect(answer).toMatchObject({ status: 400, body: { code: 'TIDEMARK_BAD_REQUEST' } })
    },
  )

  test('no body where one is needed: 422', async () => {
    const api = await startApi()
    for (const path of ['devices', 'tokens', 'rules', 'dead-letters:replay']) {
      expect((await api.post(path)).status, path).toBe(422)
    }
  })

  test('a body over 64 KiB: 413, before the role matters but after the token', async () => {
    const api = await startApi()
    const body = { id: 'x', type: 'generic', labels: { a: 'x'.repeat(70_000) } }
    expect(await api.post('devices', body)).toMatchObject({
      status: 413,
      body: { code: 'TIDEMARK_BODY_TOO_LARGE' },
    })
    expect((await api.call('POST', 'devices', body, { token: 'wrong' })).status).toBe(401)
  })

  test('a body of another type: 415', async () => {
    const api = await startApi()
    const answer = await api.call('POST', 'devices', '<device/>', {
      headers: { 'content-type': 'application/xml' },
    })
    expect(answer).toMatchObject({ status: 415, body: { code: 'TIDEMARK_MEDIA_TYPE' } })
  })

  test('a path that cannot be decoded: 400 as a problem', async () => {
    const api = await startApi()
    const answer = await api.get('/api/v1/devices/%zz')
    expect(answer.status).toBe(400)
    expect(answer.headers['content-type']).toContain('application/problem+json')
  })

  test('what fails inside says nothing of the inside', async () => {
    const store = {
      readings: () => Promise.reject(new Error('secret detail')),
      timeline: () => Promise.reject(new Error('secret detail')),
      latest: () => Promise.reject(new Error('secret detail')),
      purge: () => Promise.reject(new Error('secret detail')),
    } satisfies Pick<DuckDbStore, 'readings' | 'timeline' | 'latest' | 'purge'>
    const api = await startApi({ store: store as unknown as DuckDbStore })
    await api.devices.create({ id: 'd', type: 'generic' })
    const answer = await api.get('readings?device=d')
    expect(answer).toMatchObject({ status: 500, body: { code: 'TIDEMARK_INTERNAL' } })
    expect(answer.text).not.toContain('secret detail')
  })

  test('a database or log that is away: 503 with its code and when to come again', async () => {
    const refuse = () => Promise.reject(new TidemarkError('TIDEMARK_STORE_QUEUE', 'too many queries'))
    const api = await startApi({
      store: { readings: refuse, timeline: refuse, latest: refuse, purge: refuse } as unknown as DuckDbStore,
    })
    await api.devices.create({ id: 'd', type: 'generic' })
    for (const path of ['readings?device=d', 'readings:export', 'devices/d/latest']) {
      expect(await api.get(path), path).toMatchObject({
        status: 503,
        headers: { 'retry-after': '2' },
        body: { code: 'TIDEMARK_STORE_QUEUE' },
      })
    }
  })

  test('a port that is taken has a code of its own', async () => {
    const first = await startApi()
    const { port } = await first.http.listen('127.0.0.1', 0)
    const second = await startApi()
    await expect(second.http.listen('127.0.0.1', port)).rejects.toMatchObject({ code: 'TIDEMARK_LISTEN' })
  })
})

describe('/openapi.json', () => {
  test('is OpenAPI 3.1 and has every route with its parameters', async () => {
    const api = await startApi()
    const answer = await api.call('GET', '/openapi.json', undefined, { token: undefined })
    const { openapi, paths, components } = answer.body
    expect(openapi).toBe('3.1.0')
    expect(components.securitySchemes.token).toEqual({ type: 'http', scheme: 'bearer' })
    const hidden = ['/', '/assets/:name', '/asyncapi.json', '/docs', '/openapi.json', '/problems/:code']
    for (const { method, url, role } of api.http.routes) {
      if (method === 'HEAD' || hidden.includes(url)) continue
      const path = filledPath(url, (name) => `{${name}}`)
      const operation = paths[path]?.[method.toLowerCase()]
      expect(operation, `${method} ${path}`).toBeDefined()
      expect(operation['x-role']).toBe(role)
      expect(operation.responses).toBeDefined()
      const named = (operation.parameters ?? []).filter((one: { in: string }) => one.in === 'path')
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
      expect(
        named.map((one: { name: string }) => one.name),
        path,
      ).toEqual(inPath)
    }
    const query = paths['/api/v1/readings'].get.parameters.map((one: { name: string }) => one.name)
    expect(query.sort()).toEqual(['cursor', 'device', 'every', 'fn', 'from', 'limit', 'metric', 'to'])
    expect(paths['/api/v1/devices'].post.requestBody.content['application/json'].schema).toMatchObject({
      type: 'object',
      additionalProperties: false,
      required: ['id', 'type'],
    })
    expect(paths['/livez'].get.security).toEqual([])
  })
})
