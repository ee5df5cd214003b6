import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { EventRecord } from '../../domain/event.ts'
import { webhookLimits } from '../../events/webhook-limits.ts'
import { parseNetworks } from '../../lib/address-guard.ts'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import { WebhookRegistry } from '../../registry/webhook-registry.ts'
import { isSigned, webhookReceiver } from '../events/webhook-receiver.ts'
import { appendEvents, eventOf } from '../http/api.ts'
import { brokenBuild } from '../support/broken-build.ts'
import { tellFigures } from '../support/figures.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { tempDir } from '../support/temp-dir.ts'

/** R11: webhooks over `kill -9` of the whole platform; and the check of it can fail. */
const secret = 'a secret of sixteen or more'
const events = Array.from({ length: 300 }, (_, n): EventRecord => {
  const event = eventOf(n)
  return { ...event, data: { ...event.data, alarm: `alarm-${n % 6}` } }
})
const killsAt = [90, 210]
const flags = ['--webhook-allow-http', '--webhook-allow-networks', '127.0.0.0/8', '--log-level', 'error']
/** By its place among the events of its alarm: one after the other would wait longer and longer. */
const isRefusedOnce = (id: string) => Math.floor(Number(id.replace('event-', '')) / 6) % 3 === 0
const patient = { timeout: 60_000 }

interface Stats {
  readonly consumers: readonly { readonly name: string; readonly lag: number }[]
}

/** Delivers `events` to a receiver that refuses every third of each alarm once, with a `kill -9` each time that so many were taken. */
async function killInTheMiddle(kills: readonly number[], main?: string) {
  const dataDir = tempDir()
  let platform: PlatformProcess | undefined
  let takenMax = 0
  let onKilled: (() => void) | undefined
  const receiver = await webhookReceiver((_, { id }) => {
    const taken = receiver.taken().length
    const isFirst = receiver.received.filter((one) => one.id === id).length === 1
    if ((isFirst && isRefusedOnce(id)) || taken >= takenMax) return 503
    // Before the answer is sent: what is taken now was not kept.
    if (taken + 1 === takenMax && onKilled !== undefined) void platform?.end('SIGKILL').then(onKilled)
    return 204
  })
  const log = await openLmdbLog({ path: join(dataDir, 'log') })
  const webhooks = new WebhookRegistry(log, { allowHttp: true, networks: parseNetworks('127.0.0.0/8')! })
  await webhooks.create({ id: 'w', url: receiver.url, secret, classes: [], severities: [], rules: [] })
  await appendEvents(log, events)
  await log.close()
  for (const killAt of kills) {
    if (platform === undefined) platform = await startPlatformProcess(dataDir, flags, main)
    else await platform.restart()
    await new Promise<void>((resolve) => {
      onKilled = resolve
      takenMax = killAt
    })
  }
  onKilled = undefined
  takenMax = Number.POSITIVE_INFINITY
  await platform!.restart()
  onTestFinished(async () => void (await platform!.end('SIGKILL')))
  const lag = async () => {
    const { consumers } = await platform!.api.request<Stats>('GET', '/stats')
    return consumers.find(({ name }) => name === 'webhooks')!.lag
  }
  await expect.poll(lag, patient).toBe(0)
  return receiver
}

test(`${killsAt.length} kills: every event is taken, in order for each alarm, and only what was not kept comes again`, async () => {
  const receiver = await killInTheMiddle(killsAt)
  const firsts = [...new Set(receiver.taken().map(({ id }) => id))]
  expect(firsts).toHaveLength(events.length)
  for (let alarm = 0; alarm < 6; alarm++) {
    const isOfAlarm = (id: string) => Number(id.replace('event-', '')) % 6 === alarm
    const inOrder = events.map(({ id }) => id).filter(isOfAlarm)
    expect(firsts.filter(isOfAlarm)).toEqual(inOrder)
    expect([...new Set(receiver.received.map(({ id }) => id).filter(isOfAlarm))]).toEqual(inOrder)
  }
  expect(receiver.received.filter((one) => !isSigned(one, secret))).toEqual([])
  const repeats = receiver.taken().length - events.length
  tellFigures({ kills: killsAt.length, events: events.length, repeats })
  expect(repeats).toBeGreaterThanOrEqual(killsAt.length)
  expect(repeats).toBeLessThanOrEqual(killsAt.length * 3 * webhookLimits.inFlightMax)
}, 120_000)

test('is seen to lose events where what is open is not kept', async () => {
  const main = brokenBuild(
    tempDir(),
    'events/webhook-place.js',
    'const open = [...this.#lanes.values()].flat();',
    'const open = [];',
  )
  const receiver = await killInTheMiddle(killsAt.slice(0, 1), main)
  const taken = new Set(receiver.taken().map(({ id }) => id)).size
  tellFigures({ events: events.length, taken })
  expect(taken).toBeLessThan(events.length)
}, 120_000)
