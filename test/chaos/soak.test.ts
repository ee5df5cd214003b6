import { readdirSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { brokenBuild, replaceCode } from '../support/broken-build.ts'
import { tellFigures } from '../support/figures.ts'
import { startPlatformProcess } from '../support/platform-process.ts'
import { anonymousMib } from '../support/process-figures.ts'
import { type Held, inspectProcess } from '../support/process-inspector.ts'
import { judgesFigures, sizeOf } from '../support/promises.ts'
import { soakFlags, startSoakLoad } from '../support/soak-load.ts'
import { tempDir } from '../support/temp-dir.ts'

/** R13: under everything that a platform does at once memory, descriptors, timers and listeners stay flat. */
const seconds = sizeOf('TIDEMARK_SOAK_SECONDS')
const rate = sizeOf('TIDEMARK_SOAK_RATE')
/** The first third is for warming up; the medians of the second and the last are compared. Few looks in a short run: each stops a thread for a second. */
const samplesPerThird = Math.max(3, Math.round(seconds / 200))

/** What each may grow by from one third to the next: with clients that come and go, and requests under way, no two looks are alike. */
const growthMax = { heapMib: 16, descriptors: 8, timers: 15, listeners: 100 }

/** What a part may have yet to read, in seconds of the load. */
const lagSecondsMax = 2
const caughtUp = { timeout: 30_000, interval: 100 }

interface Sample extends Omit<Held, 'threads'> {
  readonly listeners: number
  readonly descriptors: number
  readonly anonymousMib: number
}

test(
  `${seconds} s at ${rate} messages a second, with rules, a webhook, a stream, guests and queries: nothing grows`,
  async () => {
    const { growth, ...told } = await soak(seconds, rate)
    tellFigures({ seconds, rate, growth, ...told })
    expect(grown(growth)).toEqual([])
    const { acknowledged, ...others } = told.counts
    // Each of them was there; how much of it is not the question here.
    expect(Math.min(...[others.streamed, others.delivered, others.guests, others.queries])).toBeGreaterThan(
      seconds / 4,
    )
    expect(acknowledged).toBeGreaterThan(0.5 * seconds * rate)
  },
  120_000 + seconds * 2_000,
)

test('the same check reports a listener, a timer and a descriptor kept for each connection, and an object for each message', async () => {
  const dir = tempDir()
  const main = brokenBuild(
    dir,
    'broker/broker.js',
    'this.#connections.add(transport);',
    `this.#connections.add(transport);
            process.on('beforeExit', () => transport);
            setInterval(() => undefined, 3_600_000);
            process.getBuiltinModule('fs').openSync('/dev/null');`,
  )
  replaceCode(
    `${dir}/dist/ingest/normaliser.js`,
    'builder.endMessage(receivedAt);',
    `builder.endMessage(receivedAt);
        (globalThis.leak ??= []).push(Array(300).fill(receivedAt));`,
  )
  const { growth } = await soak(24, 1_000, main)
  tellFigures({ growth })
  expect(grown(growth)).toEqual(['heapMib', 'descriptors', 'timers', 'listeners'])
}, 180_000)

async function soak(seconds: number, rate: number, main?: string) {
  const platform = await startPlatformProcess(tempDir(), soakFlags, main, ['--inspect=127.0.0.1:0'])
  onTestFinished(async () => void (await platform.end('SIGKILL')))
  const inspector = await inspectProcess(platform.stderr())
  onTestFinished(inspector.close)
  const load = await startSoakLoad(platform, rate)
  const startedAt = performance.now()
  const samples: Sample[] = []
  for (let n = 1; n <= 2 * samplesPerThird; n++) {
    const dueMs = startedAt + (1 + n / samplesPerThird) * (seconds / 3) * 1_000 - performance.now()
    await new Promise((resolve) => setTimeout(resolve, dueMs))
    const { threads, ...held } = await inspector.held()
    // Main, data and rules: what one of them keeps would not be seen.
    expect(threads).toBe(3)
    const descriptors = readdirSync(`/proc/${platform.pid}/fd`).length
    const listeners = await inspector.listeners()
    samples.push({ ...held, listeners, descriptors, anonymousMib: anonymousMib(platform.pid) })
  }
  // Half of what it could do: every part catches up with the load while that goes on, also after a look has held its thread.
  if (judgesFigures) await expect.poll(load.lag, caughtUp).toBeLessThan(lagSecondsMax * rate)
  const counts = await load.stop()
  // A process with an inspector attached waits for it before it ends.
  inspector.close()
  expect(await platform.end('SIGTERM')).toBe(0)
  const third = (n: number) => medians(samples.slice(n * samplesPerThird, (n + 1) * samplesPerThird))
  const [before, after] = [third(0), third(1)]
  const growth = Object.fromEntries(keys.map((key) => [key, after[key] - before[key]])) as unknown as Sample
  return { growth, before, after, counts }
}

const keys = ['heapMib', 'descriptors', 'timers', 'listeners', 'anonymousMib'] as const

function medians(samples: readonly Sample[]): Sample {
  const median = (key: keyof Sample) => {
    const sorted = samples.map((sample) => sample[key]).sort((a, b) => a - b)
    return Math.round(10 * sorted[Math.floor(sorted.length / 2)]!) / 10
  }
  return Object.fromEntries(keys.map((key) => [key, median(key)])) as unknown as Sample
}

function grown(growth: Sample): string[] {
  return Object.entries(growthMax)
    .filter(([key, max]) => growth[key as keyof Sample] > max)
    .map(([key]) => key)
}
