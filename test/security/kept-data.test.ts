import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLogger } from '../../lib/logger.ts'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import { type Log, type StreamName, streamNames, tableNames } from '../../log/log.ts'
import { Retention } from '../../log/retention.ts'
import { hashOf } from '../../registry/device-registry.ts'
import { poll, publish, RawClient, returnCodeOf } from '../broker/raw-client.ts'
import { runCli } from '../cli/cli.ts'
import { adminToken, type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { newTempDir } from '../support/temp-dir.ts'

/** One platform, started where files are made for everybody, and what it leaves in its data, its backups and its log. */

/** Stands in every payload and secret that no line of the log may have. */
const mark = 'sesame7613'
const telemetry = 'v1/devices/me/telemetry'
const dir = newTempDir()
const dataDir = join(dir.path, 'data')
let platform: PlatformProcess
let mqttPort: number
beforeAll(async () => {
  const before = process.umask(0)
  const flags = ['--data-dir', dataDir, '--webhook-allow-http', '--webhook-allow-networks', '127.0.0.1']
  platform = await startPlatformProcess(dir.path, flags)
  process.umask(before)
  mqttPort = Number(new URL(platform.mqttUrl).port)
})
afterAll(async () => {
  await platform.end('SIGKILL')
  dir.remove()
})

const request = <T>(method: string, path: string, body?: unknown) =>
  platform.api.request<T>(method, path, body)
const register = async (id: string, type = 'generic') => {
  const body = { id, type }
  const { credentials } = await request<{ credentials: { password: string } }>('POST', '/devices', body)
  return credentials.password
}
const connect = (id: string, secret: string) =>
  RawClient.connect(mqttPort, { clientId: id, username: id, password: secret })
/** Publishes each and waits for its acknowledgement. */
const send = async (client: RawClient, ...payloads: (string | object)[]) => {
  const before = client.of('puback').length
  const texts = payloads.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)))
  client.send(...texts.map((text, n) => publish(telemetry, text, before + n + 1)))
  await client.expectCount('puback', before + payloads.length)
}
/** A command to its end, where files are made for everybody. */
const run = async (...args: string[]) => {
  const before = process.umask(0)
  const running = runCli(args)
  process.umask(before)
  expect(await running).toMatchObject({ exitCode: 0 })
}
const backUp = async (name: string) => {
  const path = join(dir.path, name)
  await run('backup', path, '--data-dir', dataDir, '--api', platform.httpUrl, '--token', adminToken)
  return path
}
const pending = async () =>
  (await request<{ messages: { pending: number } }>('GET', '/stats')).messages.pending
const itemsOf = async (path: string) => (await request<{ items: unknown[] }>('GET', path)).items

/** Files and folders under `path`, itself included. */
const pathsIn = (path: string) => [
  path,
  ...readdirSync(path, { recursive: true }).map((name) => join(path, String(name))),
]
const filesWith = (path: string, text: string) =>
  pathsIn(path).filter((one) => statSync(one).isFile() && readFileSync(one).includes(text))
/** Those that another user than the platform's may use. */
const openToOthers = (path: string) =>
  pathsIn(path).filter((one) => {
    const stat = statSync(one)
    return (stat.mode & 0o777) !== (stat.isDirectory() ? 0o700 : 0o600)
  })

test('no line of the log has a payload or a secret, of whoever was let in or refused', async () => {
  const secret = await register('logged')
  const attempts = [
    { clientId: 'logged', username: 'logged', password: `${mark}-password` },
    { clientId: 'logged', username: `${mark}-username` },
    { clientId: 'dashboard', username: 'api', password: `${mark}-token` },
  ]
  for (const attempt of attempts) expect(await returnCodeOf(mqttPort, attempt)).toBeGreaterThan(0)
  const device = await connect('logged', secret)
  await send(
    device,
    ...[{ note: `${mark}-valid` }, `${mark} is no JSON`, '['.repeat(100) + mark, [mark], { [mark]: {} }],
    ...[{ ts: `${mark}`, values: { a: 1 } }, { note: mark.repeat(100) }],
  )
  for (const [topic, more] of [
    ['devices/another/telemetry', {}],
    [telemetry, { retain: true }],
    ['$SYS/x', {}],
  ] as const) {
    const forbidden = await connect('logged', secret)
    forbidden.send(publish(topic, mark, 1, more))
    await forbidden.expectClosed()
  }
  const large = await connect('logged', secret)
  large.conn.write(Buffer.concat([Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]), Buffer.from(mark.repeat(4))]))
  await large.expectClosed()
  const unsubscribed = await connect('logged', secret)
  expect(await unsubscribed.subscribe({ 'devices/another/commands/#': 1 })).toEqual([128])

  const webhook = { id: 'logged', url: `http://127.0.0.1:9/${mark}`, secret: `${mark}-of-sixteen-characters` }
  await request('POST', '/webhooks', webhook)
  await request('POST', '/webhooks:test', { id: 'logged' })
  const refused = [
    request('POST', '/devices', { id: mark, type: mark.toUpperCase() }),
    request('POST', '/rules', { id: mark }),
    request('GET', `/readings?device=logged&${mark}=1`),
    platform.api.request('POST', '/devices:import', `{"id": "${mark}`),
  ]
  await Promise.allSettled(refused)
  const wrongToken = { authorization: `Bearer ${mark}` }
  expect((await fetch(`${platform.httpUrl}/api/v1/devices`, { headers: wrongToken })).status).toBe(401)
  await expect.poll(pending, poll).toBe(0)

  const log = platform.stderr()
  for (const code of ['NOT_AUTHORIZED', 'TOPIC_FORBIDDEN', 'PACKET_TOO_LARGE']) {
    expect(log).toContain(`TIDEMARK_${code}`)
  }
  for (const hidden of [mark, secret, adminToken]) expect(log).not.toContain(hidden)
})

test('secrets of devices and tokens are in no file, nor in a backup; their hashes are', async () => {
  const first = await register('secretive')
  const rotated = await request<{ credentials: { password: string } }>(
    'POST',
    '/devices/secretive/credentials',
  )
  const { token } = await request<{ token: string }>('POST', '/tokens', { name: 'n', role: 'read' })
  const secrets = [first, rotated.credentials.password, token]
  expect(secrets.map((one) => Buffer.from(one, 'base64url').length)).toEqual([16, 16, 16])
  const backup = await backUp('secrets')
  for (const path of [dataDir, backup]) {
    for (const one of secrets) expect(filesWith(path, one)).toEqual([])
    expect(filesWith(path, hashOf(token))).not.toEqual([])
  }
})

test('every file is for the user of the platform alone, in a backup and in what is restored of it too', async () => {
  const backup = await backUp('modes')
  const restored = join(dir.path, 'restored')
  await run('restore', backup, '--data-dir', restored)
  expect(pathsIn(dataDir)).toEqual(
    expect.arrayContaining(
      ['tidemark.lock', 'readings.duckdb', 'log/ingress/data.mdb', 'log/main/data.mdb'].map((name) =>
        join(dataDir, name),
      ),
    ),
  )
  for (const path of [dataDir, backup, restored]) expect(openToOthers(path)).toEqual([])
})

test('of a device that is purged nothing is kept that it has said, and the events of others go on', async () => {
  const person = `person-${mark}`
  const rule = {
    ...{ id: 'pulse', name: 'Pulse', class: 'health', severity: 'major', select: { types: ['wearable'] } },
    when: { kind: 'threshold', metric: 'heart_rate_bpm', above: 150 },
  }
  await request('POST', '/rules', rule)
  const watcher = await RawClient.connect(mqttPort, {
    ...{ clientId: 'watcher', username: 'api', password: adminToken },
  })
  await watcher.subscribe({ 'events/#': 1 })
  const other = await connect('other', await register('other', 'wearable'))
  const device = await connect(person, await register(person, 'wearable'))
  await send(other, { heart_rate_bpm: 160 }, { heart_rate_bpm: 70 })
  await send(device, { heart_rate_bpm: 180 }, { heart_rate_bpm: 70 }, { heart_rate_bpm: 181 }, 'no JSON')
  await request('POST', `/devices/${person}/commands`, { name: 'ring' })
  const lists = ['/events', '/alarm-history', '/alarms', '/dead-letters', '/readings']
  const found = async (id: string) => {
    const counts = lists.map(async (path) => (await itemsOf(`${path}?device=${id}`)).length)
    return Promise.all(counts)
  }
  await expect.poll(() => found(person), poll).toEqual([3, 1, 1, 1, 3])
  await expect.poll(() => found('other'), poll).toEqual([2, 1, 1, 0, 2])

  // One that comes in the last moment is on its way while the device is purged.
  await send(device, { heart_rate_bpm: 182, note: mark }, `${mark} is no JSON`)
  await request('DELETE', `/devices/${person}?purge=data`)
  await device.expectClosed()
  await register(person, 'wearable')
  expect(await found(person)).toEqual([0, 0, 0, 0, 0])
  await request('DELETE', `/devices/${person}`)
  expect(await found('other')).toEqual([2, 1, 1, 0, 2])

  const before = watcher.payloads().length
  await send(other, { heart_rate_bpm: 161 })
  await expect.poll(() => watcher.payloads().slice(before).join(), poll).toContain('"device":"other"')
  expect(await found('other')).toEqual([3, 1, 1, 0, 3])

  // Of each stream the last record stays, so that its end is known: it is to be of another device.
  await request('POST', '/devices/other/commands', { name: 'ring' })
  other.send({ cmd: 'disconnect' })
  await other.expectClosed()
  expect(await platform.end('SIGTERM')).toBe(0)
  const log = await openLmdbLog({ path: join(dataDir, 'log') })
  try {
    await new Retention({ log, logger: silentLogger }).sweep()
    const kept = [
      ...tableNames.map((table) => [table, JSON.stringify(log.entries(table))] as const),
      ...streamNames.map((stream) => [stream, recordsOf(log, stream)] as const),
    ]
    const naming = (text: string) => kept.filter(([, given]) => given.includes(text)).map(([name]) => name)
    // Live aggregates know for a while that there was such a device, the stream of connections until another one comes or goes; and
    // who removed it is kept on purpose.
    const names = ['analytics', 'audit', 'connections']
    expect(naming(person).filter((name) => !names.includes(name))).toEqual([])
    expect(naming('other')).toContain('events')
  } finally {
    await log.close()
  }
})

function recordsOf(log: Log, stream: StreamName): string {
  const records = log.read(stream, 0, { entriesMax: 1e9, bytesMax: 1e9 })
  return records.map(({ value }) => value.toString('latin1')).join()
}
