import type { BenchReport } from '../simulators/bench.ts'
import { countSyncs } from './count-syncs.ts'
import { generate } from './generate.ts'
import { startInfluxd } from './services/influxd.ts'
import { bareMosquitto, type Subject, tidemark } from './subjects.ts'

const rate = 5_000
const warmUpSeconds = 15
const roundSeconds = 10
const tracedRate = 1_000
const tracedSeconds = 5

export interface FixedRateReport {
  /** Messages a second. */
  readonly rate: number
  readonly warmUpSeconds: number
  readonly tidemark: Latency
  readonly mosquitto: Latency
  /** Disk syncs of the platform beside the groups that it acknowledged meanwhile; undefined without strace. */
  readonly fsync: { readonly syncs: number; readonly groups: number; readonly messages: number } | undefined
}

interface Latency {
  /** From the intended time of sending to the acknowledgement, of the round whose p99 is the median. */
  readonly ackMs: BenchReport['ackMs']
  /** How late the generator itself was: part of the latency, and no fault of its subject. */
  readonly generatorLateMs: BenchReport['generatorLateMs']
  readonly ackP99MsOfRounds: readonly number[]
}

/**
 * Latency where nobody is at the limit, of a platform that has run for a while (its code is compiled after some 15 s), in
 * turn with Mosquitto; and the proof that what is acknowledged was synced to the disk.
 */
export async function atFixedRate(rounds: number): Promise<FixedRateReport> {
  const influxd = await startInfluxd()
  const subjects = { tidemark: await tidemark(influxd), mosquitto: await bareMosquitto() }
  const reports = { tidemark: [] as BenchReport[], mosquitto: [] as BenchReport[] }
  try {
    await generate(subjects.tidemark, ['--rate', String(rate), '--duration', `${warmUpSeconds}s`])
    for (let i = 0; i < rounds; i++) {
      for (const name of ['tidemark', 'mosquitto'] as const) {
        const load = ['--rate', String(rate), '--duration', `${roundSeconds}s`]
        reports[name].push((await generate(subjects[name], load)).report)
      }
    }
    return {
      rate,
      warmUpSeconds,
      tidemark: median(reports.tidemark),
      mosquitto: median(reports.mosquitto),
      fsync: await tracedSyncs(subjects.tidemark),
    }
  } finally {
    await subjects.tidemark.stop()
    await subjects.mosquitto.stop()
    await influxd.remove()
  }
}

async function tracedSyncs(subject: Subject): Promise<FixedRateReport['fsync']> {
  const before = await subject.groupsAcknowledged()
  const counting = countSyncs(subject.pids.tidemark ?? 0)
  const load = ['--rate', String(tracedRate), '--duration', `${tracedSeconds}s`]
  const { report } = await generate(subject, load)
  const syncs = await counting.end()
  const groups = (await subject.groupsAcknowledged()) - before
  return syncs === undefined ? undefined : { syncs, groups, messages: report.acknowledged }
}

function median(reports: readonly BenchReport[]): Latency {
  const sorted = reports.toSorted((a, b) => a.ackMs.p99 - b.ackMs.p99)
  const { ackMs, generatorLateMs } = sorted[sorted.length >> 1]!
  return { ackMs, generatorLateMs, ackP99MsOfRounds: reports.map((report) => report.ackMs.p99) }
}
