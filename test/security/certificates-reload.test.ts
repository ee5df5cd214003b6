import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import tls from 'node:tls'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../bench/services/free-port.ts'
import { type LiveBroker, startBroker } from '../broker/live-broker.ts'
import { poll, RawClient } from '../broker/raw-client.ts'
import { hasOpenssl, newCertificates } from '../support/certificates.ts'
import { startPlatformProcess } from '../support/platform-process.ts'
import { tempDir } from '../support/temp-dir.ts'

describe.skipIf(!hasOpenssl)('certificates that are read again', () => {
  const { file, read, remove, makeAuthority, makeCertificate } = newCertificates()
  beforeAll(() => {
    for (const name of ['authority', 'next-authority']) {
      makeAuthority(name)
      makeCertificate(`d1-of-${name}`, '/CN=d1', name)
    }
    for (const name of ['first', 'second']) makeCertificate(name, `/CN=${name}`, 'authority')
  })
  afterAll(remove)

  const install = (name: string) => {
    for (const kind of ['pem', 'key']) copyFileSync(file(`${name}.${kind}`), file(`server.${kind}`))
  }
  const start = (ca?: string) => {
    install('first')
    return startBroker({ mqttsPort: 0, tls: { cert: file('server.pem'), key: file('server.key'), ca } })
  }
  /** What the server shows, once a device is in over TLS, whose certificate is of `authority`. */
  const login = async (live: LiveBroker, authority = 'authority', session?: Buffer) => {
    const conn = tls.connect({
      ...{ port: live.tlsPort!, host: '127.0.0.1', rejectUnauthorized: false, session },
      ...{ cert: read(`d1-of-${authority}.pem`), key: read(`d1-of-${authority}.key`) },
    })
    let ticket: Buffer | undefined
    conn.on('session', (one) => {
      ticket = one
    })
    const client = new RawClient(conn)
    const { returnCode } = await client.login({
      ...{ clientId: 'd1', username: 'd1', password: live.secret('d1') },
    })
    expect(returnCode).toBe(0)
    return { client, shown: conn.getPeerCertificate().subject?.CN, ticket: () => ticket }
  }
  /** Whether TLS lets a client in that shows a certificate of `authority`. */
  const isLetIn = (live: LiveBroker, authority: string, session?: Buffer) =>
    login(live, authority, session).then(
      () => true,
      () => false,
    )

  test('are shown to new connections, and those that are open go on', async () => {
    const live = await start()
    const before = await login(live)
    install('second')
    live.broker.reloadCertificates()
    await before.client.roundTrip()
    expect([before.shown, (await login(live)).shown]).toEqual(['first', 'second'])
  })

  test.each([
    ['a key of another certificate', () => copyFileSync(file('second.pem'), file('server.pem'))],
    ['a certificate that is half written', () => writeHalf('server.pem')],
    ['a key that is half written', () => writeHalf('server.key')],
    ['a file that is empty', () => writeFileSync(file('server.pem'), '')],
  ])('%s is refused, and what was in use stays', async (_name, damage) => {
    const live = await start()
    damage()
    expect(() => live.broker.reloadCertificates()).toThrow(
      expect.objectContaining({ code: 'TIDEMARK_TLS_FILES', exitCode: 2 }),
    )
    expect((await login(live)).shown).toBe('first')
    install('second')
    live.broker.reloadCertificates()
    expect((await login(live)).shown).toBe('second')
  })

  test('new clients are judged by the new authority, with a session of the old one too', async () => {
    copyFileSync(file('authority.pem'), file('clients.pem'))
    const live = await start(file('clients.pem'))
    const { client, ticket } = await login(live)
    await expect.poll(ticket, poll).toBeDefined()
    expect(await isLetIn(live, 'next-authority')).toBe(false)
    copyFileSync(file('next-authority.pem'), file('clients.pem'))
    live.broker.reloadCertificates()
    await client.roundTrip()
    expect(await isLetIn(live, 'authority')).toBe(false)
    expect(await isLetIn(live, 'authority', ticket())).toBe(false)
    expect(await isLetIn(live, 'next-authority')).toBe(true)
  })

  test.each([
    ['half of one', () => writeHalf('clients.pem')],
    ['one and half of another', () => writeHalf('clients.pem', read('authority.pem').toString())],
    ['none', () => writeFileSync(file('clients.pem'), '')],
  ])('of authorities, %s is refused, and those in use stay', async (_name, damage) => {
    copyFileSync(file('authority.pem'), file('clients.pem'))
    const live = await start(file('clients.pem'))
    damage()
    expect(() => live.broker.reloadCertificates()).toThrow(
      expect.objectContaining({ code: 'TIDEMARK_TLS_FILES' }),
    )
    expect(await isLetIn(live, 'authority')).toBe(true)
  })

  test('on SIGHUP, by a platform that goes on where they are not whole', async () => {
    install('first')
    const tlsPort = await freePort()
    const flags = [
      '--mqtts-port',
      `${tlsPort}`,
      '--tls-cert',
      file('server.pem'),
      '--tls-key',
      file('server.key'),
    ]
    const platform = await startPlatformProcess(tempDir(), flags)
    onTestFinished(async () => void (await platform.end('SIGKILL')))
    const shown = () =>
      new Promise<unknown>((resolve, reject) => {
        const conn = tls.connect({ port: tlsPort, host: '127.0.0.1', rejectUnauthorized: false }, () => {
          resolve(conn.getPeerCertificate().subject.CN)
          conn.destroy()
        })
        conn.on('error', reject)
      })
    copyFileSync(file('second.pem'), file('server.pem'))
    process.kill(platform.pid, 'SIGHUP')
    await expect.poll(platform.stderr, poll).toContain('TIDEMARK_TLS_FILES')
    expect(await shown()).toBe('first')
    install('second')
    process.kill(platform.pid, 'SIGHUP')
    await expect.poll(shown, poll).toBe('second')
    expect(await platform.end('SIGTERM')).toBe(0)
  })

  function writeHalf(name: string, before = ''): void {
    const whole = readFileSync(file(name), 'utf8')
    writeFileSync(file(name), before + whole.slice(0, whole.length / 2))
  }
})
