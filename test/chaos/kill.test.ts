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
import { judgesFigures, sizeOf } from '../support/promises.ts'
import { tempDir } from '../support/temp-dir.ts'
import { restartedWithin } from '../support/time-to-accept.ts'

/** R1: what was acknowledged survives `kill -9`, however often; and the check of it can fail. */
const killsMax = sizeOf('TIDEMARK_KILLS')
/** After a kill, to the first connection that is taken. */
const acceptsMsMax = 2_000
/** Messages between a kill and the next: a step more each time, and from the beginning after so many. */
const [stepMessages, stepsMax] = [37, 20]

test(
  `kill -9, ${killsMax} times under ${loadMessagesPerSecond} messages a second: nothing acknowledged is lost, altered or repeated`,
  async () => {
    const { report, acknowledged, acceptsMs } = await killUnderLoad(killsMax)
    expect(report).toMatchObject(nothingLost)
    // Distinct readings: a message sent again after a crash is the same reading.
    expect(report.acknowledged).toBe(acknowledged)
    if (judgesFigures) expect(acceptsMs.max).toBeLessThanOrEqual(acceptsMsMax)
  },
  Math.max(400_000, killsMax * 20_000),
)

test('the same check reports loss where acknowledgement comes before the append', async () => {
  const main = brokenBuild(
    tempDir(),
    'broker/group-committer.js',
    `if (await this.#append(group))
                this.#acknowledge(group);`,
    `this.#acknowledge(group);
            await new Promise((resolve) => setTimeout(resolve, 100));
            if (await this.#append(group));`,
  )
  const { report } = await killUnderLoad(1, main)
  expect(report.missing).toBeGreaterThan(0)
}, 400_000)

async function killUnderLoad(killsMax: number, main?: string) {
  const { platform, load } = await platformUnderLoad({ flags: ['--log-level', 'error'], main })
  let kills = 0
  const waits: number[] = []
  for (; kills < killsMax; kills++) {
    await allOnline(platform)
    const { messages } = await statsOf(platform)
    // At a different moment of the platform's work each time.
    await acknowledgedBeyond(platform, messages.acknowledged + 100 + stepMessages * (kills % stepsMax))
    await platform.end('SIGKILL')
    waits.push(await restartedWithin(platform))
  }
  await allOnline(platform)
  const { sent, acknowledged, reconnects } = await load.stop()
  const report = await load.verified()
  const { missing, stored } = report
  waits.sort((a, b) => a - b)
  const acceptsMs = { p50: waits[waits.length >> 1]!, max: waits.at(-1)! }
  tellFigures({ kills, sent, acknowledged, stored, missing, reconnects, acceptsMs })
  expect(reconnects).toBeGreaterThanOrEqual(kills * loadDevices)
  return { report, acknowledged, acceptsMs }
}

function allOnline(platform: PlatformProcess) {
  const online = async () => (await statsOf(platform)).devices.online
  return expect.poll(online, { timeout: 30_000 }).toBe(loadDevices)
}

function acknowledgedBeyond(platform: PlatformProcess, count: number) {
  const acknowledged = async () => (await statsOf(platform)).messages.acknowledged
  return expect.poll(acknowledged, { timeout: 30_000, interval: 20 }).toBeGreaterThan(count)
}
