import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { expect, onTestFinished, test } from 'vitest'
import type { DeliveredEvent } from '../../domain/event.ts'
import { runCli } from '../cli/cli.ts'
import { brokenBuild, changedBuild, replaceCode } from '../support/broken-build.ts'
import { tellFigures } from '../support/figures.ts'
import { adminToken, type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import {
  loadMessagesPerSecond,
  nothingLost,
  platformUnderLoad,
  startLoad,
  statsOf,
  verifyLoad,
} from '../support/platform-under-load.ts'
import { tempDir } from '../support/temp-dir.ts'

/** A backup that is made under load, of a platform that is then killed: what its restored copy holds and how it goes on. */
const copies = `for (const name of ['main', 'ingress']) {`
/** Longer than retention waits between two sweeps: what can happen between two copies happens. */
const slowly = 'await new Promise((resolve) => setTimeout(resolve, 2_500));'
const minuteMs = 60_000
const lostSettleMs = 3_000

test('what was acknowledged before a backup under load is in it, once, and its copy goes on as after a crash', async () => {
  const main = changedBuild(tempDir(), 'log/lmdb-copy.js', copies, copies + slowly)
  const { before, after, ledger, middle, control } = await backedUpAndRestored(main, 60_000)
  expect(before).toMatchObject(nothingLost)
  expect(before.acknowledged).toBeGreaterThan(loadMessagesPerSecond)
  expect(after).toMatchObject({ ...nothingLost, pending: 0 })
  expect(ledger.acknowledged).toBe(ledger.stored + ledger.deadLettered + ledger.pending)
  // One that was in the middle of its `for`, and one that has lived through all of it on the restored platform.
  expect(control).toHaveLength(1)
  expect(middle).toEqual(control)
}, 180_000)

test('the same is seen to lose what comes next where `ingress` is copied before `main`', async () => {
  const reversed = `for (const name of ['ingress', 'main']) {`
  const { after } = await backedUpAndRestored(
    brokenBuild(tempDir(), 'log/lmdb-copy.js', copies, reversed + slowly),
    lostSettleMs,
  )
  expect(after.missing).toBeGreaterThan(0)
}, 180_000)

test('the same is seen to lose messages where `ingress` is trimmed meanwhile', async () => {
  const dir = tempDir()
  const main = brokenBuild(dir, 'log/lmdb-copy.js', copies, copies + slowly)
  replaceCode(join(dir, 'dist/backup/write-hold.js'), 'retention.keepsIngress = true;', '')
  const { ledger } = await backedUpAndRestored(main, lostSettleMs)
  expect(ledger.acknowledged).toBeGreaterThan(ledger.stored + ledger.deadLettered + ledger.pending)
}, 180_000)

/** Waits at most `settleMs` for what is pending: what is lost may count as pending for ever. */
async function backedUpAndRestored(main: string, settleMs: number) {
  const dir = tempDir()
  const { platform, load } = await platformUnderLoad({ flags: ['--log-level', 'warn'], main })
  await platform.api.request('POST', '/rules', warmRule)
  const sinceMs = Date.now() - 60 * minuteMs
  await send(platform, 'middle', [sinceMs, sinceMs + 5 * minuteMs])
  await load.acknowledgedMore(2 * loadMessagesPerSecond)

  const startedAt = Date.now()
  const backup = join(dir, 'backup')
  const token = ['--token', adminToken]
  const args = ['backup', backup, '--data-dir', platform.dataDir, '--api', platform.httpUrl, ...token]
  expect(await runCli([...args, '--json'], { main })).toMatchObject({ exitCode: 0 })
  await platform.end('SIGKILL')
  await load.stop()

  const dataDir = join(dir, 'restored')
  expect(await runCli(['restore', backup, '--data-dir', dataDir])).toMatchObject({ exitCode: 0 })
  const restored = await startPlatformProcess(dataDir, ['--device-rate-max', '0', '--log-level', 'warn'])
  onTestFinished(async () => void (await restored.end('SIGKILL')))
  const until = join(dir, 'until-backup.ndjson')
  const lines = readFileSync(load.ledger, 'utf8').trimEnd().split('\n')
  const sooner = lines.filter((line) => (JSON.parse(line) as { ackedAt: number }).ackedAt < startedAt)
  writeFileSync(until, `${sooner.join('\n')}\n`)
  const before = await verifyLoad(until, restored.api, settleMs)

  const more = await startLoad(restored)
  await more.acknowledgedMore(loadMessagesPerSecond)
  await more.stop()
  const after = await verifyLoad(more.ledger, restored.api, settleMs)
  const { messages: ledger } = await statsOf(restored)
  tellFigures({ before: before.missing, after: after.missing, ...ledger })
  // Where messages are lost, those of the fridges may be among them.
  if (after.missing > 0) return { before, after, ledger, middle: [], control: [] }
  await send(restored, 'middle', [sinceMs + 11 * minuteMs])
  await send(restored, 'control', [sinceMs, sinceMs + 5 * minuteMs, sinceMs + 11 * minuteMs])
  await expect.poll(() => raised(restored, 'control'), { timeout: 20_000 }).toHaveLength(1)
  const [middle, control] = [await raised(restored, 'middle'), await raised(restored, 'control')]
  return { before, after, ledger, middle, control }
}

const warmRule = {
  id: 'warm',
  name: 'Too warm',
  class: 'maintenance',
  severity: 'major',
  select: { types: ['fridge'] },
  when: { kind: 'threshold', metric: 'temperature_c', above: 8 },
  for: '10m',
}

/** Warm readings of a fridge at these times, Unix ms. */
async function send({ api, mqttUrl }: PlatformProcess, device: string, times: readonly number[]) {
  const credentials = (await api.provision([{ id: device, type: 'fridge' }])).get(device)!
  const client = await connectAsync(mqttUrl, { ...credentials, clientId: device })
  for (const ts of times) {
    const payload = JSON.stringify({ ts, values: { temperature_c: 9 } })
    await client.publishAsync(`devices/${device}/telemetry`, payload, { qos: 1 })
  }
  await client.endAsync()
}

async function raised({ api }: PlatformProcess, device: string) {
  const { items } = await api.request<{ items: DeliveredEvent[] }>('GET', `/events?device=${device}`)
  return items.map(({ time, data: { state, since, value } }) => ({ time, state, since, value }))
}
