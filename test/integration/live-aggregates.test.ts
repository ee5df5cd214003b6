import { expect, onTestFinished, test } from 'vitest'
import { MqttPublisher } from '../../simulators/mqtt-publisher.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { newTempDir } from '../support/temp-dir.ts'

/** From MQTT to the series, through the part's restart and the platform's: the load of two sites. */
const minuteMs = 60_000
const loads = { 'meter-1': 1_000, 'meter-2': 200, 'meter-3': 30 } as const
const sites = { 'meter-1': 'berlin', 'meter-2': 'berlin', 'meter-3': 'paris' } as const
const query = 'type=smart_meter&metric=active_power_w'

interface Series {
  readonly items: readonly { readonly values: Readonly<Record<string, number>> }[]
  readonly late: number
}
interface Top {
  readonly highest: readonly { readonly device: string; readonly value: number }[]
}

test('the load by site and the largest consumers, from the wire to the answer', async () => {
  const dir = newTempDir()
  onTestFinished(dir.remove)
  const platform = await startPlatformProcess(dir.path, ['--log-level', 'error'])
  onTestFinished(async () => {
    await platform.end('SIGKILL')
  })
  const { api } = platform
  const credentials = await api.provision(
    Object.entries(sites).map(([id, site]) => ({ id, type: 'smart_meter', labels: { site } })),
  )
  // In the middle of a minute of half an hour ago: no other one begins meanwhile.
  const start = Math.floor(Date.now() / minuteMs) * minuteMs - 30 * minuteMs
  const send = async (ts: number, factor: number) => {
    for (const [id, load] of Object.entries(loads)) {
      const payload = JSON.stringify({ ts, values: { active_power_w: load * factor } })
      await published(platform, id, credentials.get(id), payload)
    }
  }
  const series = async (from: number, fn: string) => {
    const { items } = await api.request<Series>(
      'GET',
      `/analytics/series?${query}&by=site&fn=${fn}&from=${from}`,
    )
    return items.map(({ values }) => values)
  }

  await send(start, 1)
  await expect.poll(() => series(start, 'sum'), { timeout: 20_000 }).toEqual([{ berlin: 1_200, paris: 30 }])
  expect(await api.request('POST', '/parts/analytics:restart')).toEqual({ part: 'analytics', restarts: 1 })
  await send(start + 1_000, 2)
  await expect.poll(() => series(start, 'sum'), { timeout: 20_000 }).toEqual([{ berlin: 2_400, paris: 60 }])
  const { highest } = await api.request<Top>('GET', `/analytics/top?${query}&n=2`)
  expect(highest).toMatchObject([
    { device: 'meter-1', value: 2_000 },
    { device: 'meter-2', value: 400 },
  ])

  await platform.end('SIGKILL')
  await platform.restart()
  await send(start + minuteMs, 3)
  await send(start, 9)
  const wanted = [
    { berlin: 2_400, paris: 60 },
    { berlin: 3_600, paris: 90 },
  ]
  await expect.poll(() => series(start, 'sum'), { timeout: 20_000 }).toEqual(wanted)
  expect(await series(start, 'count')).toEqual([
    { berlin: 2, paris: 1 },
    { berlin: 2, paris: 1 },
  ])
  expect((await api.request<Series>('GET', `/analytics/series?${query}`)).late).toBe(0)
  expect(await platform.end('SIGTERM')).toBe(0)
})

async function published(
  { mqttUrl }: PlatformProcess,
  clientId: string,
  credentials: object | undefined,
  payload: string,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const publisher = new MqttPublisher({
      ...{ url: mqttUrl, clientId, topic: `devices/${clientId}/telemetry`, qos: 1 },
      ...credentials,
      onAcknowledged: () => void publisher.close().then(resolve, reject),
    })
    publisher.connect().then(() => {
      publisher.publish(Buffer.from(payload), 0)
      publisher.flush()
    }, reject)
  })
}
