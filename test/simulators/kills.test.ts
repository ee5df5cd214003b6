import { existsSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { ApiClient } from '../../simulators/api-client.ts'
import { killInTurn, samplesBefore } from '../../simulators/kills.ts'
import { OwnPlatform } from '../../simulators/own-platform.ts'
import { builtMain } from '../support/platform-process.ts'

async function startOwn() {
  const platform = new OwnPlatform(builtMain)
  onTestFinished(() => platform.stop())
  await platform.start()
  return { platform, api: new ApiClient(platform.httpUrl, platform.adminToken) }
}

test('each part is killed in its turn, and the platform comes back with what it held', async () => {
  const { platform, api } = await startOwn()
  await api.provision([{ id: 'kept', type: 'fridge' }])
  const { httpUrl, mqttUrl } = platform
  const told: string[] = []
  const kills = await killInTurn({
    ...{ api, platform, kills: ['ingest', 'rules', 'storage', 'platform'], everyMs: 0 },
    unacknowledged: () => 0,
    signal: new AbortController().signal,
    onKilled: ({ part }) => void told.push(`${part} ${platform.httpUrl}`),
  })
  expect(kills.map(({ part }) => part)).toEqual(['ingest', 'rules', 'storage', 'platform'])
  expect(told).toEqual(kills.map(({ part }) => `${part} ${httpUrl}`))
  expect(platform.mqttUrl).toBe(mqttUrl)
  expect(await api.request('GET', '/devices/kept')).toMatchObject({ id: 'kept' })
  // Counted since its start: it was another process.
  const { items } = await api.request<{ items: { restarts: number }[] }>('GET', '/parts')
  expect(items.map(({ restarts }) => restarts)).toEqual([0, 0, 0, 0])
}, 60_000)

test('the next is not killed before the last has caught up', async () => {
  const { platform, api } = await startOwn()
  const ended = new AbortController()
  let isBehind = false
  let polls = 0
  const kills = await killInTurn({
    ...{ api, platform, kills: ['ingest', 'rules', 'storage'], everyMs: 0, signal: ended.signal },
    // From the second kill on more than what was on its way before it, for good.
    unacknowledged: () => {
      if (isBehind && ++polls > samplesBefore + 5) ended.abort()
      return isBehind && polls > samplesBefore ? 1_000 : 10
    },
    onKilled: () => {
      isBehind = true
    },
  })
  // The second was killed, and the run has ended before it caught up; the third is left out.
  expect(kills.map(({ part, catchUpMs }) => [part, catchUpMs])).toEqual([
    ['ingest', expect.any(Number)],
    ['rules', null],
  ])
  const { items } = await api.request<{ items: { name: string; restarts: number }[] }>('GET', '/parts')
  expect(items.map(({ name, restarts }) => [name, restarts])).toEqual([
    ['ingest', 1],
    ['storage', 0],
    ['analytics', 0],
    ['rules', 1],
  ])
}, 60_000)

test('it leaves nothing behind', async () => {
  const platform = new OwnPlatform(builtMain)
  await platform.start()
  const dir = platform.dataDir
  expect(existsSync(dir)).toBe(true)
  await platform.stop()
  expect(existsSync(dir)).toBe(false)
  await expect(fetch(`${platform.httpUrl}/livez`)).rejects.toThrow()
}, 60_000)
