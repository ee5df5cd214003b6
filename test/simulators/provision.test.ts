import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiClient, type NewDevice } from '../../simulators/api-client.ts'
import { FleetRunner } from '../../simulators/fleet-runner.ts'
import { CredentialsFile, devicesOfFile, numberedDevices, provision } from '../../simulators/provision.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { newTempDir, tempDir } from '../support/temp-dir.ts'

const dir = newTempDir()
let platform: PlatformProcess

beforeAll(async () => {
  platform = await startPlatformProcess(dir.path)
})
afterAll(async () => {
  await platform?.end('SIGKILL')
  dir.remove()
})

interface Credentials {
  readonly id: string
  readonly type: string
  readonly username: string
  readonly password: string
}

async function provisioned(devices: Iterable<NewDevice>, rotate = false) {
  const lines: string[] = []
  const write = (line: string) => lines.push(line)
  const report = await provision({ devices, api: platform.api, rotate, write })
  return { report, credentials: lines.map((line) => JSON.parse(line) as Credentials) }
}
const connects = async ({ id, username, password }: Credentials) => {
  const credentials = new Map([[id, { username, password }]])
  const fleet = new FleetRunner({
    mqttUrl: platform.mqttUrl,
    credentials,
    signal: new AbortController().signal,
  })
  const code = await fleet.connect().then(
    () => 'connected',
    ({ code }) => code,
  )
  await fleet.close()
  return code
}

test('devices are registered with their labels, and their credentials connect', async () => {
  const labels = { site: 'berlin', room: '1' }
  const { report, credentials } = await provisioned([
    { id: 'one', type: 'fridge', labels },
    { id: 'two', type: 'generic' },
  ])
  expect(report).toEqual({ devices: 2, created: 2, updated: 0, renewed: 0, failed: 0, errors: [] })
  expect(credentials.map(({ id, type }) => [id, type])).toEqual([
    ['one', 'fridge'],
    ['two', 'generic'],
  ])
  expect(await platform.api.request('GET', '/devices/one')).toMatchObject({ type: 'fridge', labels })
  expect(await connects(credentials[0]!)).toBe('connected')
})

test('a device that is known keeps its secret, and its labels where none are given; with rotate it has a new one', async () => {
  const device = { id: 'known', type: 'fridge', labels: { site: 'berlin' } }
  const first = await provisioned([device])
  const again = await provisioned([{ id: 'known', type: 'fridge' }])
  expect(again).toMatchObject({ report: { created: 0, updated: 1, renewed: 0 }, credentials: [] })
  expect(await platform.api.request('GET', '/devices/known')).toMatchObject({ labels: device.labels })
  expect(await connects(first.credentials[0]!)).toBe('connected')
  const rotated = await provisioned([device], true)
  expect(rotated.report).toMatchObject({ created: 0, updated: 1, renewed: 1 })
  expect(await connects(first.credentials[0]!)).toBe('TIDEMARK_MQTT_REFUSED')
  expect(await connects(rotated.credentials[0]!)).toBe('connected')
})

test('one that is refused is counted with its reason; those around it are registered', async () => {
  const { report, credentials } = await provisioned([
    { id: 'before', type: 'fridge' },
    { id: 'not an id', type: 'fridge' },
    { id: 'after', type: 'fridge' },
  ])
  expect(report).toMatchObject({
    devices: 3,
    created: 2,
    failed: 1,
    errors: [expect.stringContaining('not an id')],
  })
  expect(credentials.map(({ id }) => id)).toEqual(['before', 'after'])
})

test('more devices than are sent at once are registered all, and all get new secrets the next time', async () => {
  const count = 5_003
  const many = () => numberedDevices('generic', count, 'many-{n}', { site: 'x' })
  const first = await platform.api.provision(many())
  const second = await platform.api.provision([...many()].slice(-40))
  expect(first.size).toBe(count)
  expect(second.size).toBe(40)
  for (const [id, { username, password }] of second) {
    expect(username).toBe(id)
    expect(password).not.toBe(first.get(id)?.password)
  }
  expect(await platform.api.request('GET', `/devices/many-${count}`)).toMatchObject({ labels: { site: 'x' } })
}, 30_000)

test('a run cannot go on without a device: what is refused is an error', async () => {
  await expect(platform.api.provision([{ id: 'not an id', type: 'fridge' }])).rejects.toMatchObject({
    code: 'TIDEMARK_API_ERROR',
  })
})

test('a platform that is not there: exit code 3', async () => {
  const api = new ApiClient('http://127.0.0.1:9', 'token')
  const devices = [{ id: 'a', type: 'fridge' }]
  await expect(provision({ devices, api, rotate: false, write: () => {} })).rejects.toMatchObject({
    exitCode: 3,
  })
})

describe('a file of devices', () => {
  const file = (text: string) => {
    const path = join(tempDir(), 'devices.ndjson')
    writeFileSync(path, text)
    return path
  }

  test('has one a line, with labels or without', async () => {
    const path = file('{"id":"a","type":"fridge"}\n\n{"id":"b","type":"generic","labels":{"site":"x"}}\n')
    expect(await devicesOfFile(path)).toEqual([
      { id: 'a', type: 'fridge' },
      { id: 'b', type: 'generic', labels: { site: 'x' } },
    ])
  })

  test.each([
    ['no JSON', '{"id":"a","type":"fridge"}\n{', 'line 2'],
    ['an id that is none', '{"id":"a b","type":"fridge"}', 'line 1: /id: not a device id'],
    ['a type that is none', '{"id":"a","type":"Fridge"}', 'line 1: /type: not a device type'],
    ['a label that is none', '{"id":"a","type":"fridge","labels":{"a b":"c"}}', 'line 1: /labels'],
    ['an unknown field', '{"id":"a","type":"fridge","label":{}}', 'line 1'],
    ['nothing', '\n', 'holds no device'],
  ])('%s is refused with its line: exit code 2', async (_case, text, message) => {
    await expect(devicesOfFile(file(text))).rejects.toMatchObject({
      code: 'TIDEMARK_PROVISION_INVALID',
      exitCode: 2,
      message: expect.stringContaining(message),
    })
  })
})

describe('a file of credentials', () => {
  test('can be read by its owner only, whoever made it, and keeps what it holds', () => {
    const path = join(tempDir(), 'secrets.ndjson')
    writeFileSync(path, 'kept\n', { mode: 0o644 })
    const file = new CredentialsFile(path)
    file.write('new\n')
    file.close()
    expect(readFileSync(path, 'utf8')).toBe('kept\nnew\n')
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('that cannot be written is said before anything is registered: exit code 2', () => {
    expect(() => new CredentialsFile(join(tempDir(), 'missing', 'x'))).toThrow(
      expect.objectContaining({ code: 'TIDEMARK_PROVISION_INVALID', exitCode: 2 }),
    )
  })
})

test.skipIf(!existsSync('/dev/full'))(
  'a full disk: exit code 2, and what to do for the secrets that are lost',
  () => {
    const { mode } = statSync('/dev/full')
    const file = new CredentialsFile('/dev/full')
    expect(() => file.write('{}\n')).toThrow(
      expect.objectContaining({
        code: 'TIDEMARK_PROVISION_INVALID',
        exitCode: 2,
        message: expect.stringContaining('--rotate'),
      }),
    )
    file.close()
    // A device is not a file of secrets: others go on using it.
    expect(statSync('/dev/full').mode).toBe(mode)
  },
)
