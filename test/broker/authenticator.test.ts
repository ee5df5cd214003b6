import { createHash } from 'node:crypto'
import v8 from 'node:v8'
import vm from 'node:vm'
import { describe, expect, test } from 'vitest'
import { Authenticator, type Credentials, type DeviceDirectory } from '../../broker/authenticator.ts'

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')
const inherited = Object.getOwnPropertyNames(Object.prototype)

function setUp(more: Record<string, unknown> = {}) {
  const devices = new Map<string, unknown>([
    ['d1', { id: 'd1', secretHash: hashOf('s1') }],
    ['d2', { id: 'd2', secretHash: hashOf('s2') }],
    ['api', { id: 'api', secretHash: hashOf('s3') }],
    ...Object.entries(more),
  ])
  let now = 0
  const tokens = new Map([['t-admin', { id: 'admin', role: 'admin' as const }]])
  const authenticator = new Authenticator(
    { find: (id) => devices.get(id) } as DeviceDirectory,
    { authenticate: (token) => tokens.get(token), stands: () => true },
    { now: () => now },
  )
  const login = (clientId: string, username?: string, password?: string, address = '10.0.0.1') =>
    authenticator.authenticate({ clientId, username, password, address } satisfies Credentials)
  const pass = (ms: number) => {
    now += ms
  }
  return { login, pass, devices }
}

const d1 = { kind: 'device', id: 'd1' }
const admin = { kind: 'operator', id: 'admin', role: 'admin' }

describe('who a CONNECT is', () => {
  test.each<[string, string, string | undefined, string | undefined, unknown]>([
    ['a device with its secret', 'd1', 'd1', 's1', d1],
    ['a device with its secret as username, as on ThingsBoard', 'd1', 's1', undefined, d1],
    ['a device called api', 'api', 'api', 's3', { kind: 'device', id: 'api' }],
    ['an operator', 'dashboard', 'api', 't-admin', admin],
    ['an operator whose client id is no device id', '+/#', 'api', 't-admin', admin],
    ['an unknown device', 'd9', 'd9', 's1', undefined],
    ['a wrong secret', 'd1', 'd1', 's2', undefined],
    ['an empty secret', 'd1', 'd1', '', undefined],
    ['no password', 'd1', 'd1', undefined, undefined],
    ['no credentials', 'd1', undefined, undefined, undefined],
    ['an empty username', 'd1', '', 's1', undefined],
    ['an empty username alone', 'd1', '', undefined, undefined],
    ["another device's username and secret: its session is not taken over", 'd1', 'd2', 's2', undefined],
    ["another device's secret", 'd1', 'd1', 's2', undefined],
    ["another device's secret as username", 'd1', 's2', undefined, undefined],
    ['the secret as username and a password beside it', 'd1', 's1', 's1', undefined],
    ['the hash instead of the secret', 'd1', 'd1', hashOf('s1'), undefined],
    ['an operator with a device’s client id', 'd1', 'api', 't-admin', undefined],
    ['an operator with an unknown token', 'dashboard', 'api', 'nope', undefined],
    ['an operator with an empty token', 'dashboard', 'api', '', undefined],
    ['an operator without a token', 'dashboard', 'api', undefined, undefined],
    ['a token with another username', 'dashboard', 'admin', 't-admin', undefined],
    ['a wildcard', '+', '+', 's1', undefined],
    ['a path', 'd1/', 'd1/', 's1', undefined],
  ])('%s', (_name, clientId, username, password, expected) => {
    expect(setUp().login(clientId, username, password)).toEqual(expected)
  })

  test('an operator may have the client id `api` where no device has it', () => {
    const { login, devices } = setUp()
    devices.delete('api')
    expect(login('api', 'api', 't-admin')).toEqual(admin)
  })

  test.each(inherited)('%s is nobody', (name) => {
    const { login } = setUp()
    expect(login(name, name, 's1')).toBeUndefined()
    expect(login(name, 'api', name)).toBeUndefined()
    expect(login('d1', 'd1', name)).toBeUndefined()
  })

  test.each([
    ['missing', undefined],
    ['null', null],
    ['empty', ''],
    ['short', 'abcd'],
    ['not hexadecimal', 'z'.repeat(64)],
    ['too long', `${hashOf('s1')}00`],
    ['no text', 17],
  ])('a device whose stored hash is %s is refused', (_name, secretHash) => {
    const { login } = setUp({ broken: { id: 'broken', secretHash } })
    for (const secret of ['', 's1', 'nobody']) expect(login('broken', 'broken', secret)).toBeUndefined()
  })
})

describe('lock-out', () => {
  const fail = (login: ReturnType<typeof setUp>['login'], times: number, address?: string) => {
    for (let i = 0; i < times; i++) expect(login('d1', 'd1', 'wrong', address)).toBeUndefined()
  }

  test('after 5 failures in a minute the right secret is refused for 5 minutes', () => {
    const { login, pass } = setUp()
    fail(login, 5)
    expect(login('d1', 'd1', 's1')).toBeUndefined()
    pass(299_999)
    expect(login('d1', 'd1', 's1')).toBeUndefined()
    pass(1)
    expect(login('d1', 'd1', 's1')).toEqual(d1)
  })

  test('4 failures do not count, nor those of more than a minute ago', () => {
    const { login, pass } = setUp()
    fail(login, 4)
    expect(login('d1', 'd1', 's1')).toEqual(d1)
    pass(60_000)
    fail(login, 4)
    expect(login('d1', 'd1', 's1')).toEqual(d1)
  })

  test('it is for one address and one id', () => {
    const { login } = setUp()
    fail(login, 5)
    expect(login('d1', 'd1', 's1', '10.0.0.2')).toEqual(d1)
    expect(login('d2', 'd2', 's2')).toEqual({ kind: 'device', id: 'd2' })
  })

  test('operators are locked out alike', () => {
    const { login } = setUp()
    for (let i = 0; i < 5; i++) login('dashboard', 'api', 'wrong')
    expect(login('dashboard', 'api', 't-admin')).toBeUndefined()
  })

  test('unknown devices are locked out like known ones, so that neither is told apart', () => {
    const { login, devices } = setUp()
    for (let i = 0; i < 5; i++) login('new', 'new', 'wrong')
    devices.set('new', { id: 'new', secretHash: hashOf('s') })
    expect(login('new', 'new', 's')).toBeUndefined()
  })

  test('what is kept of failures does not grow with the length of ids', () => {
    const { login } = setUp()
    const before = heapBytes()
    for (let i = 0; i < 3_000; i++) login(`${i}${'x'.repeat(60_000)}`, 'u', 'p')
    expect(heapBytes() - before).toBeLessThan(20_000_000)
    expect(login('d1', 'd1', 's1')).toEqual(d1)
  })
})

/** Bytes in use after a collection. */
function heapBytes(): number {
  v8.setFlagsFromString('--expose-gc')
  vm.runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}
