import mqtt, { type IClientOptions } from 'mqtt'
import { expect, onTestFinished, test } from 'vitest'
import { type SchemaDocument, validatorOf } from '../http/asyncapi-document.ts'
import { adminToken, startPlatformProcess } from '../support/platform-process.ts'
import { tempDir } from '../support/temp-dir.ts'

/** What `/asyncapi.json` says, against what a running platform sends and takes. */
const rule = {
  ...{ id: 'too-warm', name: 'Too warm', class: 'maintenance', severity: 'major' },
  ...{ select: { devices: ['probe-1'] }, when: { kind: 'threshold', metric: 'temperature_c', above: 8 } },
}
const patient = { timeout: 15_000 }

test('an event and a command are as described, and so are a reading and an answer that the platform takes', async () => {
  const platform = await startPlatformProcess(tempDir(), ['--log-level', 'error'])
  onTestFinished(async () => void (await platform.end('SIGKILL')))
  const { api, httpUrl } = platform
  const document = (await (await fetch(`${httpUrl}/asyncapi.json`)).json()) as SchemaDocument
  const { host, protocol } = document.servers.mqtt!
  const { host: wsHost, pathname } = document.servers.ws!
  const credentials = await api.provision([{ id: 'probe-1', type: 'generic' }])
  await api.request('POST', '/rules', rule)
  const received: { topic: string; payload: unknown }[] = []
  const connect = async (url: string, options: IClientOptions, filter: string) => {
    const client = await mqtt.connectAsync(url, options)
    onTestFinished(() => void client.end(true))
    client.on('message', (topic, payload) =>
      received.push({ topic, payload: JSON.parse(payload.toString()) }),
    )
    await client.subscribeAsync(filter, { qos: 1 })
    return client
  }
  await connect(`ws://${wsHost}${pathname}`, { username: 'api', password: adminToken }, 'events/#')
  const { password } = credentials.get('probe-1')!
  const login = { clientId: 'probe-1', username: 'probe-1', password }
  const device = await connect(`${protocol}://${host}`, login, 'devices/probe-1/commands/+')

  const reading = { ts: Date.now(), values: { temperature_c: 9.1 } }
  expect(validatorOf(document, 'Readings')(reading)).toBe(true)
  await device.publishAsync('devices/probe-1/telemetry', JSON.stringify(reading), { qos: 1 })
  const { id } = await api.request<{ id: string }>('POST', '/devices/probe-1/commands', {
    name: 'cool',
    payload: 4,
  })
  const sentOn = (topic: string) => received.find((one) => one.topic === topic)?.payload
  await expect.poll(() => sentOn(`devices/probe-1/commands/${id}`), patient).toBeDefined()
  await expect.poll(() => sentOn('events/maintenance/probe-1'), patient).toBeDefined()
  expect(validatorOf(document, 'Command')(sentOn(`devices/probe-1/commands/${id}`))).toBe(true)
  expect(validatorOf(document, 'Event')(sentOn('events/maintenance/probe-1'))).toBe(true)
  // The schemas tell one from the other.
  expect(validatorOf(document, 'Event')(sentOn(`devices/probe-1/commands/${id}`))).toBe(false)
  expect(validatorOf(document, 'Command')(sentOn('events/maintenance/probe-1'))).toBe(false)

  const answer = { status: 'succeeded', temperature_c: 4 }
  expect(validatorOf(document, 'Response')(answer)).toBe(true)
  await device.publishAsync(`devices/probe-1/commands/${id}/response`, JSON.stringify(answer), { qos: 1 })
  const status = async () =>
    (await api.request<{ status: string }>('GET', `/devices/probe-1/commands/${id}`)).status
  await expect.poll(status, patient).toBe('succeeded')
  const stats = await api.request<{ messages: { deadLettered: number } }>('GET', '/stats')
  expect(stats.messages.deadLettered).toBe(0)
}, 60_000)
