import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ReadingBatch } from '../domain/reading-batch.ts'
import { delay } from '../lib/clock.ts'
import { silentLogger } from '../lib/logger.ts'
import { openLmdbLog } from '../log/lmdb-log.ts'
import { consumers, counters, type Log } from '../log/log.ts'
import { encodeReadingBatch } from '../log/reading-batch-codec.ts'
import type { Rule } from '../rules/rule.ts'
import { RuleRegistry } from '../rules/rule-registry.ts'
import { RulesEngine } from '../rules/rules-engine.ts'
import { median } from './rounds.ts'
import { benchProfile, RuleFleet } from './rule-fleet.ts'
import { mixedRules, thresholdRules } from './rule-set.ts'

const intervalMs = 10_000
const hourMs = 3_600_000
const pollMs = 2
const batchesPerTransaction = 20

export interface CommitOptions {
  readonly rounds: number
  readonly rules: number
  readonly devices: number
  readonly mixDevices: number
  /** Readings of each device in a round. */
  readonly ticks: number
  readonly mixTicks: number
}

/** The engine as the consumer of readings that come faster than it can read: its groups are large. Appending them is in the figures. */
export interface CommitSpeed {
  readonly rules: number
  readonly devices: number
  readonly readingsPerSecond: number
  readonly readingsPerSecondOfRounds: readonly number[]
  readonly evaluationsPerSecond: number
  /** User and system time, LMDB's own threads included. */
  readonly cpuMicrosPerReading: number
}

/** From the `readings` stream to events and states that are committed with the offset, on a disk. */
export async function commitSpeed(
  options: CommitOptions,
): Promise<{ threshold: CommitSpeed; mix: CommitSpeed }> {
  const { rounds, devices, mixDevices, ticks, mixTicks } = options
  const fleet = new RuleFleet({ devices, isMixed: false })
  const mixed = new RuleFleet({ devices: mixDevices, isMixed: true })
  // The same windows as of the mix alone, in fewer readings.
  const warmUp = [...ticksOf(mixed, 15 * 24, hourMs), ...ticksOf(mixed, 400, intervalMs)]
  return {
    threshold: await measured(thresholdRules(options.rules), fleet, [fleet.next(intervalMs)], rounds, ticks),
    mix: await measured(mixedRules(), mixed, warmUp, rounds, mixTicks),
  }
}

async function measured(
  rules: readonly Rule[],
  fleet: RuleFleet,
  warmUp: readonly ReadingBatch[],
  rounds: number,
  ticks: number,
): Promise<CommitSpeed> {
  const dir = mkdtempSync(join(tmpdir(), 'tidemark-bench-'))
  const log = await openLmdbLog({ path: dir })
  // The fleet's time, not the wall's: nothing falls silent between two rounds.
  const clock = { now: () => fleet.timeMs }
  const engine = new RulesEngine({ log, clock, logger: silentLogger, pairsMax: 1e7 })
  try {
    await log.transaction((tx) => {
      tx.put('profiles', benchProfile.type, benchProfile)
      for (const device of fleet.devices) tx.put('devices', device.id, device)
    })
    const registry = new RuleRegistry(log, clock)
    for (const rule of rules) await registry.create(rule)
    await append(log, warmUp)
    engine.start()
    await caughtUp(log)
    const works: Work[] = []
    for (let i = 0; i < rounds; i++) works.push(await round(log, ticksOf(fleet, ticks, intervalMs)))
    const readings = ticks * fleet.devices.length
    const of = median(works, ({ seconds }) => -seconds)
    return {
      rules: rules.length,
      devices: fleet.devices.length,
      readingsPerSecond: Math.round(readings / of.seconds),
      readingsPerSecondOfRounds: works.map(({ seconds }) => Math.round(readings / seconds)),
      evaluationsPerSecond: Math.round(of.evaluations / of.seconds),
      cpuMicrosPerReading: Math.round((of.cpuSeconds / readings) * 1e7) / 10,
    }
  } finally {
    await engine.stop()
    await log.close()
    rmSync(dir, { recursive: true, force: true })
  }
}

interface Work {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly evaluations: number
}

async function round(log: Log, batches: readonly ReadingBatch[]): Promise<Work> {
  const evaluationsBefore = evaluationsOf(log)
  const startedAt = performance.now()
  const before = process.cpuUsage()
  await append(log, batches)
  await caughtUp(log)
  const { user, system } = process.cpuUsage(before)
  return {
    seconds: (performance.now() - startedAt) / 1_000,
    cpuSeconds: (user + system) / 1e6,
    evaluations: evaluationsOf(log) - evaluationsBefore,
  }
}

function evaluationsOf(log: Log): number {
  return log.stats().counters[counters.ruleEvaluations] ?? 0
}

function ticksOf(fleet: RuleFleet, count: number, stepMs: number): ReadingBatch[] {
  return Array.from({ length: count }, () => fleet.next(stepMs))
}

async function append(log: Log, batches: readonly ReadingBatch[]): Promise<void> {
  for (let at = 0; at < batches.length; at += batchesPerTransaction) {
    const together = batches.slice(at, at + batchesPerTransaction)
    await log.transaction((tx) => {
      for (const batch of together) tx.append('readings', encodeReadingBatch(batch), batch.messages)
    })
  }
}

async function caughtUp(log: Log): Promise<void> {
  while (log.offset(consumers.rules) < log.end('readings')) await delay(pollMs)
}
