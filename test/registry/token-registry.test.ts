import { expect, onTestFinished, test } from 'vitest'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import { TokenRegistry } from '../../registry/token-registry.ts'
import { tempDir } from '../support/temp-dir.ts'

async function openTokens() {
  const log = await openLmdbLog({ path: tempDir() })
  onTestFinished(() => log.close())
  let nowMs = 1_000
  const tokens = new TokenRegistry(log, { now: () => nowMs }, 'admins')
  const setNow = (ms: number) => {
    nowMs = ms
  }
  return { log, tokens, setNow }
}

test('knows the administrator and every token made, and nobody else', async () => {
  const { tokens } = await openTokens()
  const { secret } = await tokens.create({ name: 'n', role: 'operate', expiresAt: null })
  expect(tokens.authenticate('admins')).toEqual({
    id: 'admin',
    name: 'admin',
    role: 'admin',
    expiresAt: null,
  })
  expect(tokens.authenticate(secret)).toEqual({
    id: expect.any(String),
    name: 'n',
    role: 'operate',
    expiresAt: null,
  })
  for (const wrong of [
    '',
    'admin',
    `${secret}x`,
    secret.slice(1),
    'constructor',
    '__proto__',
    'x'.repeat(100_000),
  ]) {
    expect(tokens.authenticate(wrong), wrong.slice(0, 30)).toBeUndefined()
  }
})

test('keeps no token, only its hash', async () => {
  const { log, tokens } = await openTokens()
  const { secret, token } = await tokens.create({ name: 'n', role: 'read', expiresAt: null })
  expect(JSON.stringify([log.entries('tokens'), log.entries('meta')])).not.toContain(secret)
  expect(tokens.list()).toEqual([token])
  expect(tokens.find(token.id)).toEqual(token)
})

test('forgets a token that is removed or has expired', async () => {
  const { tokens, setNow } = await openTokens()
  const expiring = await tokens.create({ name: 'a', role: 'read', expiresAt: new Date(2_000).toISOString() })
  const removed = await tokens.create({ name: 'b', role: 'read', expiresAt: null })
  expect(await tokens.remove(removed.token.id)).toBe(true)
  expect(await tokens.remove(removed.token.id)).toBe(false)
  expect(tokens.authenticate(removed.secret)).toBeUndefined()
  expect(tokens.authenticate(expiring.secret)).toBeDefined()
  setNow(2_000)
  expect(tokens.authenticate(expiring.secret)).toBeUndefined()
  expect((await tokens.update(expiring.token.id, { expiresAt: null }))?.expiresAt).toBeNull()
  expect(tokens.authenticate(expiring.secret)).toBeDefined()
})
