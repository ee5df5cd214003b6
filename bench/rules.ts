import { cpus } from 'node:os'
import { Command } from 'commander'
import { eventLatency, type LatencyReport } from './event-latency.ts'
import { commitSpeed } from './rule-commit.ts'
import { type MemoryReport, ruleMemory } from './rule-memory.ts'
import { fillWindows, type MixReport, mixSpeed, type ThresholdReport, thresholdSpeed } from './rule-speed.ts'

/**
 * `npm run bench:rules`: how fast rules are evaluated, what they and their state take, how fast the engine works off the log,
 * and how soon an event arrives. Speeds are by CPU time, so that others on the machine change them little.
 */
const flags = new Command('bench:rules')
  .option('--rounds <n>', 'rounds of each', Number, 3)
  .option('--only <name>', 'measure only this subject')
  .option('--tiny', 'little work: to see that it runs')
  .option('--json', 'one JSON object on standard output')
  .parse()
  .opts<{ rounds: number; only?: string; tiny?: boolean; json?: boolean }>()

const progress = (text: string) => process.stderr.write(`${text}\n`)
const { rounds } = flags
const small = { rules: 30, devices: 20, mixDevices: 20, ticks: 10, mixTicks: 10 }
const large = { rules: 300, devices: 1_000, mixDevices: 100, ticks: 200, mixTicks: 300 }
const size = { rounds, ...(flags.tiny ? small : large) }
const memory = flags.tiny
  ? { rules: 100, pairRules: 30, pairDevices: 20, kindDevices: 2 }
  : { rules: 8_000, pairRules: 300, pairDevices: 1_000, kindDevices: 20 }
const latency = flags.tiny
  ? { rounds: 1, rules: 30, devices: 50, rate: 500, warmUpSeconds: 1, seconds: 2 }
  : { rounds, rules: 300, devices: 50, rate: 2_000, warmUpSeconds: 10, seconds: 20 }

interface Reports {
  threshold?: ThresholdReport
  mix?: MixReport
  memory?: MemoryReport
  commit?: Awaited<ReturnType<typeof commitSpeed>>
  latency?: LatencyReport
}

const subjects: Readonly<Record<keyof Reports, (reports: Reports) => Promise<void> | void>> = {
  threshold: (reports) => {
    reports.threshold = thresholdSpeed(size)
  },
  mix: (reports) => {
    reports.mix = mixSpeed(size, progress)
  },
  memory: (reports) => {
    reports.memory = ruleMemory(memory, fillWindows)
  },
  commit: async (reports) => {
    reports.commit = await commitSpeed(size)
  },
  latency: async (reports) => {
    reports.latency = await eventLatency(latency)
  },
}

if (flags.only !== undefined && !Object.hasOwn(subjects, flags.only)) {
  progress(`there is no subject ${flags.only}, but ${Object.keys(subjects).join(', ')}`)
  process.exit(2)
}
const reports: Reports = {}
for (const [name, measure] of Object.entries(subjects)) {
  if (flags.only !== undefined && name !== flags.only) continue
  progress(name)
  await measure(reports)
}
const result = {
  machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
  settings: flags,
  bars: barsOf(reports),
  ...reports,
}
process.stdout.write(`${JSON.stringify(result, null, flags.json ? 0 : 2)}\n`)

/** What was to be reached, beside what was. */
function barsOf({ threshold, mix, memory, latency }: Reports): Readonly<Record<string, object>> {
  const atLeast = (value: number | undefined, bar: number) =>
    value !== undefined && { value, atLeast: bar, holds: value >= bar }
  const atMost = (value: number | undefined, bar: number) =>
    value !== undefined && { value, atMost: bar, holds: value <= bar }
  const bars = {
    thresholdEvaluationsPerSecond: atLeast(threshold?.crossing.evaluationsPerSecond, 1_000_000),
    mixEvaluationsPerSecond: atLeast(mix?.all.evaluationsPerSecond, 150_000),
    bytesPerRule: atMost(memory?.bytesPerRule, 10_240),
    bytesPerIdlePair: atMost(memory?.bytesPerIdlePair, 200),
    eventP99Ms: atMost(latency?.eventMs.p99, 50),
  }
  return Object.fromEntries(
    Object.entries(bars).flatMap(([name, bar]) => (bar === false ? [] : [[name, bar]])),
  )
}
