import mqtt, { type MqttClient } from 'mqtt'
import { expect, onTestFinished, test } from 'vitest'
import { brokenBuild } from '../support/broken-build.ts'
import { tellFigures } from '../support/figures.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { tempDir } from '../support/temp-dir.ts'

/** Commands over `kill -9` of the whole platform; and the check of it can fail. */
const commandsSent = 60
const killsAt = [10, 25, 45]
const patient = { timeout: 30_000 }

interface Command {
  readonly id: string
  readonly status: string
}

class Valve {
  readonly received: string[] = []
  readonly #client: MqttClient
  /** While false it takes what comes and acknowledges nothing. */
  answers = true

  constructor(url: string, password: string) {
    this.#client = mqtt.connect(url, {
      ...{ clientId: 'valve-1', username: 'valve-1', password, reconnectPeriod: 50 },
    })
    this.#client.on('error', () => undefined)
    this.#client.subscribe('devices/valve-1/commands/+', { qos: 1 })
    // mqtt.js acknowledges a message when this calls back.
    this.#client.handleMessage = ({ topic }, acknowledge) => {
      this.received.push(topic.split('/')[3]!)
      if (!this.answers) return
      this.#client.publish(`${topic}/response`, '{"status":"succeeded"}', { qos: 1 })
      acknowledge()
    }
    onTestFinished(() => void this.#client.end(true))
  }
}

async function site(main?: string) {
  const dir = tempDir()
  const platform = await startPlatformProcess(dir, ['--log-level', 'error'], main)
  onTestFinished(async () => void (await platform.end('SIGKILL')))
  const credentials = await platform.api.provision([{ id: 'valve-1', type: 'generic' }])
  return { platform, secret: credentials.get('valve-1')!.password }
}

const path = '/devices/valve-1/commands'
const send = ({ api }: PlatformProcess, given: object = {}) =>
  api.request<Command>('POST', path, { name: 'open', ...given })
const listed = ({ api }: PlatformProcess, query: string) =>
  api.request<{ items: Command[] }>('GET', `${path}?limit=1000${query}`)

test(`${killsAt.length} kills: every command that was answered with 201 reaches the device and is answered, a cancelled or expired one never does, and the audit log has each once`, async () => {
  const { platform, secret } = await site()
  const expired = await send(platform, { ttlSeconds: 1 })
  const cancelled = await send(platform)
  await platform.api.request('DELETE', `${path}/${cancelled.id}`)
  const waiting = await send(platform)
  await platform.end('SIGKILL')
  await platform.restart()
  await expect.poll(async () => (await listed(platform, '&status=expired')).items.length, patient).toBe(1)
  const valve = new Valve(platform.mqttUrl, secret)
  const ids = [waiting.id]
  for (let n = 1; n < commandsSent; n++) {
    ids.push((await send(platform)).id)
    if (!killsAt.includes(n)) continue
    await platform.end('SIGKILL')
    await platform.restart()
  }
  await expect
    .poll(async () => (await listed(platform, '&status=succeeded')).items.length, patient)
    .toBe(commandsSent)
  const succeeded = (await listed(platform, '&status=succeeded')).items.map(({ id }) => id)
  expect(succeeded.reverse()).toEqual(ids)
  expect([...new Set(valve.received)].sort()).toEqual(ids)
  expect(valve.received).not.toContain(expired.id)
  expect(valve.received).not.toContain(cancelled.id)
  const { items } = await platform.api.request<{ items: { target: { id: string } }[] }>(
    ...['GET' as const, '/audit?action=command.sent&limit=1000'],
  )
  expect(items.map(({ target }) => target.id)).toEqual([expired.id, cancelled.id, ...ids])
  const repeats = valve.received.length - ids.length
  tellFigures({ kills: killsAt.length + 1, commands: ids.length, repeats })
}, 120_000)

/** How often a device gets a command that it did not acknowledge before the platform was killed. */
async function timesReceived(main?: string): Promise<number> {
  const { platform, secret } = await site(main)
  const valve = new Valve(platform.mqttUrl, secret)
  valve.answers = false
  const { id } = await send(platform)
  await expect.poll(async () => (await listed(platform, '&status=sent')).items.length, patient).toBe(1)
  await platform.end('SIGKILL')
  valve.answers = true
  await platform.restart()
  // Sent after it, so what comes of it tells that the first had its chance.
  const { id: marker } = await send(platform)
  await expect.poll(() => valve.received.includes(marker), patient).toBe(true)
  await expect
    .poll(async () => (await listed(platform, '&status=succeeded')).items.length, patient)
    .toBeGreaterThan(0)
  const received = valve.received.filter((one) => one === id).length
  tellFigures({ received })
  return received
}

test('what was sent and not acknowledged comes again with the same id', async () => {
  expect(await timesReceived()).toBe(2)
}, 60_000)

test('is seen to lose it where only what was never sent goes out', async () => {
  const main = brokenBuild(tempDir(), 'commands/command-delivery.js', "['queued', 'sent']", "['queued']")
  expect(await timesReceived(main)).toBe(1)
}, 60_000)
