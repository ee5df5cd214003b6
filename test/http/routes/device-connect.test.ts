import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { repositoryRoot, startPlatformProcess } from '../../support/platform-process.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { startApi } from '../api.ts'

const run = promisify(execFile)
const hasMosquitto = await run('mosquitto_pub', ['--help']).then(
  () => true,
  ({ code }: { code: unknown }) => code !== 'ENOENT',
)

const connect = async (host: string) => {
  const api = await startApi()
  await api.devices.create({ id: 'meter-1', type: 'smart_meter' })
  return api.call('GET', 'devices/meter-1/connect', undefined, { headers: { host } })
}

test('a device is told to connect where the caller has found the platform', async () => {
  const { status, body } = await connect('tidemark.example:8080')
  expect(status).toBe(200)
  expect(body).toMatchObject({
    host: 'tidemark.example',
    port: 1883,
    tls: false,
    username: 'meter-1',
    topic: 'devices/meter-1/telemetry',
    payload: { active_power_w: 1 },
  })
})

test.each([
  ['[::1]:8080', '::1'],
  ['10.0.0.1', '10.0.0.1'],
  ['a.b;rm -rf $HOME', 'localhost'],
  ["x'$(id)'", 'localhost'],
  ['-h', 'localhost'],
])('under the name %s that is %s', async (host, shown) => {
  expect((await connect(host)).body.host).toBe(shown)
})

test('a device that is not there has no line', async () => {
  const api = await startApi()
  expect((await api.get('devices/nothing/connect')).status).toBe(404)
})

test('what is pasted publishes: Node, and mosquitto_pub where there is one', async () => {
  const platform = await startPlatformProcess(tempDir())
  onTestFinished(async () => void (await platform.end('SIGKILL')))
  const { api } = platform
  const { credentials } = await api.request<{ credentials: { password: string } }>('POST', '/devices', {
    id: 'meter-1',
    type: 'smart_meter',
  })
  const env = { ...process.env, DEVICE_SECRET: credentials.password }
  const lines = await api.request<{ node: string; mosquittoPub: string }>('GET', '/devices/meter-1/connect')
  const acknowledged = async () =>
    (await api.request<{ messages: { acknowledged: number } }>('GET', '/stats')).messages.acknowledged
  await run(process.execPath, ['--input-type=module', '-e', lines.node], { cwd: repositoryRoot, env })
  expect(await acknowledged()).toBe(1)
  if (hasMosquitto) {
    await run('sh', ['-c', lines.mosquittoPub], { env })
    expect(await acknowledged()).toBe(2)
  }
  const values = async () =>
    Object.keys((await api.request<{ values: object }>('GET', '/devices/meter-1/latest')).values)
  await expect.poll(values, { timeout: 10_000 }).toContain('active_power_w')
})
