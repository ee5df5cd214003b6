import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { tempDir } from '../../support/temp-dir.ts'
import { startApi } from '../api.ts'

const script = `export const text = ${JSON.stringify('x'.repeat(2_000))}`

/** What the build makes, in small, and beside it what must not be served. */
function builtDashboard(): string {
  const dir = join(tempDir(), 'dashboard')
  mkdirSync(join(dir, 'assets'), { recursive: true })
  writeFileSync(join(dir, 'index.html'), '<!doctype html><div id="app"></div>')
  writeFileSync(join(dir, 'assets/main-abc123.js'), script)
  writeFileSync(join(dir, 'assets/all-abc123.css'), 'body{margin:0}')
  writeFileSync(join(dir, 'assets/notes.txt'), 'of a kind that is not served')
  writeFileSync(join(dir, 'secret.js'), 'beside the assets')
  return dir
}

const open = { token: undefined }

test('the page needs no token, is asked for anew each time, and lets nothing run or load but what was built with it', async () => {
  const api = await startApi({ dashboardDir: builtDashboard() })
  const page = await api.call('GET', '/', undefined, open)
  expect(page).toMatchObject({
    status: 200,
    text: '<!doctype html><div id="app"></div>',
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
    },
  })
  const policy = String(page.headers['content-security-policy'])
  expect(policy.split('; ')).toEqual(
    expect.arrayContaining([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "img-src 'self' data:",
      "frame-ancestors 'none'",
    ]),
  )
  expect(policy).not.toContain('unsafe')
})

test('an asset has its exact type and may be kept for ever, for its name changes with its content', async () => {
  const api = await startApi({ dashboardDir: builtDashboard() })
  const types = {
    'main-abc123.js': 'text/javascript; charset=utf-8',
    'all-abc123.css': 'text/css; charset=utf-8',
  }
  for (const [name, type] of Object.entries(types)) {
    const { status, headers } = await api.call('GET', `/assets/${name}`, undefined, open)
    expect([status, headers['content-type'], headers['cache-control']], name).toEqual([
      200,
      type,
      'public, max-age=31536000, immutable',
    ])
  }
})

test('an asset is sent compressed to whoever takes that, and plain to others', async () => {
  const api = await startApi({ dashboardDir: builtDashboard() })
  const get = (encoding?: string) =>
    api.http.inject({
      method: 'GET',
      url: '/assets/main-abc123.js',
      headers: encoding === undefined ? {} : { 'accept-encoding': encoding },
    })
  const packed = await get('gzip, deflate, br')
  expect(packed.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' })
  expect(packed.rawPayload.length).toBeLessThan(200)
  expect(gunzipSync(packed.rawPayload).toString()).toBe(script)
  const plain = await get()
  expect(plain.headers['content-encoding']).toBeUndefined()
  expect(plain.body).toBe(script)
})

test.each([
  '/assets/missing.js',
  '/assets/notes.txt',
  '/assets/../secret.js',
  '/assets/..%2fsecret.js',
  '/assets/%2e%2e%2fsecret.js',
  '/assets/',
  '/secret.js',
  '/index.html',
  '/assets/__proto__',
])('%s is not there', async (path) => {
  const api = await startApi({ dashboardDir: builtDashboard() })
  expect(await api.call('GET', path, undefined, open)).toMatchObject({
    status: 404,
    body: { code: 'TIDEMARK_NOT_FOUND' },
  })
})

test('a platform without a built page says how to build it, and does the rest', async () => {
  const api = await startApi()
  const answer = await api.call('GET', '/', undefined, open)
  expect(answer).toMatchObject({ status: 404, body: { detail: 'the dashboard is not built: npm run build' } })
  expect((await api.get('stats')).status).toBe(200)
})
