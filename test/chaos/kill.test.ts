import { expect, test } from 'vitest'
import { brokenBuild } from '../support/broken-build.ts'
import { tellFigures } from '../support/figures.ts'
import type { PlatformProcess } from '../support/platform-process.ts'
import {
  loadDevices,
  loadMessagesPerSecond,
  nothingLost,
  platformUnderLoad,
  statsOf,
} from '../support/platform-under-load.ts'
import { sizeOf } from '../support/promises.ts'
import { tempDir } from '../support/temp-dir.ts'

/** R1: what was acknowledged survives `kill -9`, however often; and the check of it can fail. */
const killsMax = sizeOf('TIDEMARK_KILLS')

test(
  `kill -9, ${killsMax} times under ${loadMessagesPerSecond} messages a second: nothing acknowledged is lost, altered or repeated`,
  async () => {
    const { report, acknowledged } = await killUnderLoad(killsMax)
    expect(report).toMatchObject(nothingLost)
    // Distinct readings: a message sent again after a crash is the same reading.
    expect(report.acknowledged).toBe(acknowledged)
  },
  Math.max(400_000, killsMax * 20_000),
)

test('the same check reports loss where acknowledgement comes before the append', async () => {
  const main = brokenBuild(
    tempDir(),
    'broker/group-committer.js',
    `if (await this.#append(group))
                this.#acknowledge(group);`,
    `this.#acknowledge(group); if (await this.#append(group));`,
  )
  const { report } = await killUnderLoad(Math.min(killsMax, 5), main)
  expect(report.missing).toBeGreaterThan(0)
}, 400_000)

async function killUnderLoad(killsMax: number, main?: string) {
  const { platform, load } = await platformUnderLoad({ flags: ['--log-level', 'error'], main })
  let kills = 0
  for (; kills < killsMax; kills++) {
    await allOnline(platform)
    const { messages } = await statsOf(platform)
    // At a different moment of the platform's work each time.
    await acknowledgedBeyond(platform, messages.acknowledged + 100 + 37 * kills)
    await platform.end('SIGKILL')
    await platform.restart()
  }
  await allOnline(platform)
  const { sent, acknowledged, reconnects } = await load.stop()
  const report = await load.verified()
  const { missing, stored } = report
  tellFigures({ kills, sent, acknowledged, stored, missing, reconnects })
  expect(reconnects).toBeGreaterThanOrEqual(kills * loadDevices)
  return { report, acknowledged }
}

function allOnline(platform: PlatformProcess) {
  const online = async () => (await statsOf(platform)).devices.online
  return expect.poll(online, { timeout: 30_000 }).toBe(loadDevices)
}

function acknowledgedBeyond(platform: PlatformProcess, count: number) {
  const acknowledged = async () => (await statsOf(platform)).messages.acknowledged
  return expect.poll(acknowledged, { timeout: 30_000, interval: 20 }).toBeGreaterThan(count)
}
