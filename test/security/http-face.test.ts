import { mkdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { poll } from '../broker/raw-client.ts'
import { startApi, type TestApi } from '../http/api.ts'
import { tempDir } from '../support/temp-dir.ts'

const secret = 'beside-the-dashboard'

/** A server with a dashboard, and a file beside that which nobody may have. */
async function serve() {
  const dir = tempDir()
  mkdirSync(join(dir, 'dashboard/assets'), { recursive: true })
  writeFileSync(join(dir, 'dashboard/index.html'), '<!doctype html><div id="app"></div>')
  writeFileSync(join(dir, 'secret'), secret)
  const api = await startApi({ dashboardDir: join(dir, 'dashboard') })
  const { port } = await api.http.listen('127.0.0.1', 0)
  return { api, port }
}

/** What comes back on a connection until it ends, for bytes that no proper client would send. */
async function answerTo(port: number, request: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let answer = ''
  let isClosed = false
  socket.on('data', (bytes) => {
    answer += bytes
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    isClosed = true
  })
  socket.write(request)
  await expect.poll(() => isClosed, poll).toBe(true)
  return answer
}
const statusesIn = (answer: string) =>
  [...answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, code]) => Number(code))
const requestOf = (method: string, path: string, headers: readonly string[] = [], body = '') =>
  [`${method} ${path} HTTP/1.1`, 'Host: x', 'Connection: close', ...headers, '', body].join('\r\n')
const bearer = (api: TestApi) => `Authorization: Bearer ${api.adminToken}`

test('no other site may read an answer, with or without a preflight', async () => {
  const { api, port } = await serve()
  const origin = 'Origin: https://evil.example'
  const asked = ['Access-Control-Request-Method: DELETE', 'Access-Control-Request-Headers: authorization']
  for (const path of ['/api/v1/devices', '/api/v1/events/stream', '/', '/openapi.json', '/metrics']) {
    const preflight = await answerTo(port, requestOf('OPTIONS', path, [origin, ...asked]))
    expect(statusesIn(preflight)[0]).toBeGreaterThanOrEqual(400)
    const simple =
      path === '/api/v1/events/stream'
        ? ''
        : await answerTo(port, requestOf('GET', path, [origin, bearer(api)]))
    expect(`${preflight}${simple}`.toLowerCase()).not.toContain('access-control-')
  }
})

test('a token counts only as a bearer token: not in a cookie, a query or as basic credentials', async () => {
  const { api, port } = await serve()
  const basic = Buffer.from(`api:${api.adminToken}`).toString('base64')
  for (const [path, headers] of [
    ['/api/v1/devices', [`Cookie: token=${api.adminToken}; authorization=Bearer ${api.adminToken}`]],
    [`/api/v1/devices?token=${api.adminToken}&access_token=${api.adminToken}`, []],
    ['/api/v1/devices', [`Authorization: Basic ${basic}`]],
    ['/api/v1/devices', [`X-Authorization: Bearer ${api.adminToken}`]],
    ['/api/v1/devices', ['Authorization: Bearer ']],
  ] as const) {
    const answer = await answerTo(port, requestOf('GET', path, headers))
    expect(statusesIn(answer)).toEqual([401])
    expect(answer.toLowerCase()).not.toContain('set-cookie')
  }
})

/** RFC 9112, sections 2.2, 5.1, 5.2, 6.1 and 6.3. */
test('a request that a proxy may read as another one is refused, and nothing is done', async () => {
  const { api, port } = await serve()
  const body = '{"id":"smuggled","type":"generic"}'
  const json = 'Content-Type: application/json'
  const length = `Content-Length: ${body.length}`
  const inner = 'GET /api/v1/devices HTTP/1.1\r\nHost: x\r\n\r\n'
  const send = async (headers: readonly string[], sent = body) =>
    statusesIn(await answerTo(port, requestOf('POST', '/api/v1/devices', [bearer(api), ...headers], sent)))
  const cases: readonly (readonly [string, readonly string[], string])[] = [
    ['two lengths', [json, length, 'Content-Length: 0'], body],
    ['a list of lengths', [json, `Content-Length: ${body.length}, 0`], body],
    ['a length and chunks', [json, length, 'Transfer-Encoding: chunked'], `0\r\n\r\n${inner}`],
    [
      'chunks twice',
      [json, 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
      `0\r\n\r\n${inner}`,
    ],
    ['an encoding that is none', [json, 'Transfer-Encoding: xchunked'], `0\r\n\r\n${inner}`],
    ['a negative length', [json, 'Content-Length: -1'], body],
    ['a length with a sign', [json, `Content-Length: +${body.length}`], body],
    ['a hexadecimal length', [json, 'Content-Length: 0x22'], body],
    ['a space before the colon', [json, `Content-Length : ${body.length}`], body],
    ['a folded header', [json, 'X-A: b\r\n Content-Length: 0', length], body],
    ['a length of a chunk that is none', [json, 'Transfer-Encoding: chunked'], `zz\r\n${body}\r\n0\r\n\r\n`],
    ['a header without a name', [json, ': x', length], body],
    ['a zero byte in a header', [json, 'X-A: b\u0000c', length], body],
  ]
  for (const [name, headers, sent] of cases) expect([name, await send(headers, sent)]).toEqual([name, [400]])
  expect(await send([`X-A: ${'x'.repeat(17_000)}`, json, length])).toEqual([431])
  expect(api.devices.size).toBe(0)
  expect(await send([json, length])).toEqual([201])
})

test('the method is that of the request line, whatever a header or a parameter says', async () => {
  const { api, port } = await serve()
  await api.post('devices', { id: 'd1', type: 'generic' })
  const overrides = ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'].map(
    (name) => `${name}: DELETE`,
  )
  for (const [method, path] of [
    ['GET', '/api/v1/devices/d1'],
    ['POST', '/api/v1/devices/d1'],
    ['GET', '/api/v1/devices/d1?_method=DELETE'],
  ] as const) {
    await answerTo(port, requestOf(method, path, [bearer(api), ...overrides]))
    expect(api.devices.find('d1')).toBeDefined()
  }
})

test('no path leads out of the dashboard', async () => {
  const { port } = await serve()
  const up = [
    '..',
    '%2e%2e',
    '..%2f',
    '%2e%2e%2f',
    '..%5c',
    '..\\',
    '%252e%252e%252f',
    '..;',
    '.%00.',
    '..%c0%af',
  ]
  const paths = up.flatMap((one) => [
    ...[
      `/${one}/secret`,
      `/${one}${one}secret`,
      `/assets/${one}/${one}/secret`,
      `/assets/${one}${one}secret`,
    ],
  ])
  const others = [
    ...[
      '//secret',
      '/%2fsecret',
      '/assets//secret',
      '/assets/%2e',
      '/index.html%00',
      '/%00',
      '/%',
      '/assets/%ff',
    ],
    ...['http://x/../secret', 'file:///etc/passwd', '/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd'],
  ]
  for (const path of [...paths, ...others]) {
    const answer = await answerTo(port, requestOf('GET', path))
    expect(statusesIn(answer)[0], path).toBeGreaterThanOrEqual(400)
    expect(answer).not.toContain(secret)
    expect(answer).not.toContain('root:')
  }
})

test('the name in Host comes back nowhere but in the addresses of MQTT, and there only as a name', async () => {
  const { api, port } = await serve()
  await api.post('devices', { id: 'd1', type: 'generic' })
  const ask = (path: string, host: string) =>
    answerTo(
      port,
      ['GET', path, 'HTTP/1.1\r\nHost:', `${host}\r\nConnection: close\r\n${bearer(api)}\r\n\r\n`].join(' '),
    )
  const paths = [
    '/',
    '/docs',
    '/openapi.json',
    '/metrics',
    '/nothing',
    '/api/v1/nothing',
    '/api/v1/devices/d1',
  ]
  for (const path of paths) expect(await ask(path, 'evil.example')).not.toContain('evil.example')
  for (const host of ['"><script>x', '$(id)', 'a b', "x';id;'", '`id`']) {
    for (const path of ['/asyncapi.json', '/api/v1/devices/d1/connect'])
      expect(await ask(path, host)).not.toContain(host)
  }
})

test('every page forbids scripts of others, and to guess at its type', async () => {
  const { port } = await serve()
  for (const path of ['/', '/docs', '/problems/TIDEMARK_NOT_FOUND']) {
    const answer = (await answerTo(port, requestOf('GET', path))).toLowerCase()
    expect(statusesIn(answer.toUpperCase()), path).toEqual([200])
    expect(answer, path).toContain('x-content-type-options: nosniff')
    expect(answer, path).toMatch(/content-security-policy: [^\r]*default-src 'none'/)
    expect(answer, path).not.toContain('unsafe')
  }
})
