import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import { connectAsync } from 'mqtt'
import { expect, onTestFinished, test } from 'vitest'
import type { DeliveredEvent } from '../../domain/event.ts'
import { ApiClient } from '../../simulators/api-client.ts'
import { runCli } from '../cli/cli.ts'
import { tellFigures } from '../support/figures.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { statsOf } from '../support/platform-under-load.ts'
import { tempDir } from '../support/temp-dir.ts'

/** The data directory of version 0.1.0 as make-fixture.mjs left it, killed with a database away, and what is in it. */
interface Known {
  readonly devices: Readonly<Record<string, string>>
  readonly token: string
  readonly t0: number
  readonly events: readonly DeliveredEvent[]
  readonly deadLetters: readonly object[]
  readonly stored: Readonly<Record<string, number>>
  readonly pending: Readonly<Record<string, number>>
}

const known = JSON.parse(readFileSync(join(import.meta.dirname, 'known.json'), 'utf8')) as Known
const minuteMs = 60_000
const patient = { timeout: 30_000 }
/** Of the device in the middle of `for`: minute and temperature; the last comes after the upgrade. */
const half = [
  [0, 5],
  [1, 9],
  [5, 10],
  [7, 11],
  [12, 11],
] as const

function fixture(): string {
  const dir = tempDir()
  execFileSync('tar', ['xzf', join(import.meta.dirname, '0.1.0.tar.gz'), '-C', dir])
  return join(dir, 'data')
}

type Minutes = readonly (readonly [minute: number, temperature: number])[]

async function publish({ mqttUrl }: PlatformProcess, id: string, password: string, readings: Minutes) {
  const client = await connectAsync(mqttUrl, { clientId: id, username: id, password })
  for (const [minute, temperature_c] of readings) {
    const payload = JSON.stringify({ ts: known.t0 + minute * minuteMs, values: { temperature_c } })
    await client.publishAsync(`devices/${id}/telemetry`, payload, { qos: 1 })
  }
  await client.endAsync()
}

const listed = async <T>({ api }: PlatformProcess, path: string) =>
  (await api.request<{ items: T[] }>('GET', path)).items

test('a platform on the data of 0.1.0 keeps what that had, stores what waited, and goes on where it was', async () => {
  const platform = await startPlatformProcess(fixture(), ['--log-level', 'warn'])
  onTestFinished(async () => void (await platform.end('SIGKILL')))
  const reader = new ApiClient(platform.httpUrl, known.token)
  const devices = (await reader.request<{ items: { id: string }[] }>('GET', '/devices')).items
  expect(devices).toMatchObject(
    Object.keys(known.devices).map((id) => ({ id, type: 'fridge', labels: { site: 'berlin' } })),
  )

  const stored = async (id: string) =>
    (await listed(platform, `/readings?device=${id}&from=0&limit=1000`)).length
  for (const [id, count] of Object.entries(known.stored))
    await expect.poll(() => stored(id), patient).toBe(count + (known.pending[id] ?? 0))
  const { messages } = await statsOf(platform)
  expect(messages.pending).toBe(0)
  expect(messages.acknowledged).toBe(messages.stored + messages.deadLettered)
  expect(await listed(platform, '/dead-letters')).toMatchObject(known.deadLetters)
  const events = () => listed<DeliveredEvent>(platform, '/events')
  expect(await events()).toMatchObject(known.events)

  // With the secrets that it had: what rules were in the middle of goes on, as of a device that lived through all of it here.
  const { alarmed, half: secret } = known.devices as { alarmed: string; half: string }
  await publish(platform, 'half', secret, half.slice(-1))
  await publish(platform, 'alarmed', alarmed, [[10, 5]])
  const created = await platform.api.provision([{ id: 'control', type: 'fridge' }])
  await publish(platform, 'control', created.get('control')!.password, half)
  await expect.poll(async () => (await events()).length, patient).toBe(known.events.length + 3)
  const after = (await events()).slice(known.events.length)
  const ofWarm = (device: string) =>
    after
      .filter(({ data }) => data.rule === 'warm' && data.device === device)
      .map(({ time, data: { state, since, value } }) => ({ time, state, since, value }))
  expect(ofWarm('half')).toHaveLength(1)
  expect(ofWarm('half')).toEqual(ofWarm('control'))
  const cleared = after.find(({ data }) => data.rule === 'hot')
  expect(cleared?.data).toMatchObject({ state: 'cleared', alarm: known.events.at(-1)!.data.alarm })
  expect(after.map(({ sequence }) => Number(sequence))).toEqual(
    after.map((_, n) => known.events.length + 1 + n),
  )
  tellFigures({
    devices: devices.length,
    ...messages,
    events: known.events.length,
    eventsAfter: after.length,
  })
}, 90_000)

test('data of a newer version is refused with a code, and left as it is', async () => {
  const dataDir = fixture()
  const path = join(dataDir, 'log/main')
  const format = async (write?: number) => {
    const main = open({ path })
    const numbers = main.openDB<number, string>({ name: 'format', encoding: 'json' })
    if (write !== undefined) await numbers.put('format', write)
    const found = numbers.get('format')
    await main.close()
    return found
  }
  await format(1_000)
  const flags = ['--mqtt-port', '0', '--http-port', '0']
  const { exitCode, stderr } = await runCli(['start', '--data-dir', dataDir, ...flags])
  expect(stderr).toMatch(/has format 1000, of a newer version .*\(TIDEMARK_LOG_FORMAT\)\n$/)
  expect(exitCode).toBe(1)
  expect(await format()).toBe(1_000)
}, 60_000)
