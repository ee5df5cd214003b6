import { cpus } from 'node:os'
import { Command } from 'commander'
import type { BenchReport } from '../simulators/bench.ts'
import { atFixedRate, type FixedRateReport } from './fixed-rate.ts'
import { generate } from './generate.ts'
import { type Usage, watchProcess } from './process-usage.ts'
import { type Influxd, startInfluxd } from './services/influxd.ts'
import { bareMosquitto, doItYourself, type Subject, tidemark } from './subjects.ts'

/**
 * The whole pipeline beside Mosquitto alone and beside the usual do-it-yourself, with one generator, on one machine, in one
 * run, in turn. Rates on a shared machine mean little by themselves: the ratios are the result.
 */
interface Round {
  readonly acknowledged: number
  /** Acknowledged messages a second. */
  readonly acknowledgedRate: number
  /** Messages a second from the first sent to the last in the database. */
  readonly storedRate: number | undefined
  readonly lost: number | undefined
  readonly ackMs: BenchReport['ackMs']
  readonly processes: Readonly<Record<string, Usage>>
}

interface Measured {
  readonly name: string
  readonly start: (influxd: Influxd) => Promise<Subject>
}

const subjects: readonly Measured[] = [
  { name: 'a mosquitto', start: bareMosquitto },
  {
    name: 'b tidemark',
    start: (influxd) => tidemark(influxd, { profileDir: flags.profile, rules: flags.rules }),
  },
  { name: 'c diy', start: (influxd) => doItYourself(influxd, []) },
  {
    name: 'c diy tuned',
    start: (influxd) => doItYourself(influxd, ['max_queued_messages 0', 'max_inflight_messages 0']),
  },
]

/** Two ways to run the platform that `--only` compares instead, and the ratio to give, first to second. */
interface Comparison {
  readonly ratio: string
  readonly first: Measured
  readonly second: Measured
}

const manyRules = 300
/** Higher than the generator reaches: what counting costs, and not what being slowed does. */
const rateOutOfReach = '1000000'
const comparisons: Readonly<Record<string, Comparison>> = {
  rules: {
    ratio: 'many/each',
    first: {
      name: 'many rules',
      start: (influxd) => tidemark(influxd, { profileDir: flags.profile, rules: flags.rules ?? manyRules }),
    },
    second: {
      name: 'one rule for each metric',
      start: (influxd) => tidemark(influxd, { profileDir: flags.profile }),
    },
  },
  limits: {
    ratio: 'on/off',
    first: {
      name: 'limits on',
      start: (influxd) =>
        tidemark(influxd, {
          limits: ['--device-rate-max', rateOutOfReach, '--device-burst-max', rateOutOfReach],
        }),
    },
    second: {
      name: 'limits off',
      start: (influxd) =>
        tidemark(influxd, { limits: ['--device-rate-max', '0', '--packet-bytes-max', '256MiB'] }),
    },
  },
}

const flags = new Command('bench')
  .option('--rounds <n>', 'rounds of each', Number, 3)
  .option('--messages <n>', 'messages a round', Number, 500_000)
  .option('--devices <n>', 'connections', Number, 50)
  .option('--in-flight <n>', 'window of each connection', Number, 50)
  .option(
    '--only <letters>',
    'measure only these subjects, such as ab; or compare the platform with itself: rules (one for each metric, many) or limits (on, off)',
    'abc',
  )
  .option('--rules <n>', 'rules of the platform, in turn over the metrics (default one for each)', Number)
  .option('--profile <dir>', 'write CPU profiles of the platform there (their cost is in the figures)')
  .option('--json', 'one JSON object on standard output')
  .parse()
  .opts<{
    rounds: number
    messages: number
    devices: number
    inFlight: number
    only: string
    rules?: number
    profile?: string
    json?: boolean
  }>()

const comparison = comparisons[flags.only]
const measured =
  comparison === undefined
    ? subjects.filter(({ name }) => flags.only.includes(name[0]!))
    : [comparison.second, comparison.first]
const rounds = new Map<string, Round[]>(measured.map(({ name }) => [name, []]))
for (let i = 0; i < flags.rounds; i++) {
  for (const { name, start } of measured) {
    process.stderr.write(`round ${i + 1} of ${flags.rounds}: ${name}\n`)
    rounds.get(name)?.push(await measure(start))
  }
}
report(comparison === undefined ? await fixedRate() : undefined)

function fixedRate(): Promise<FixedRateReport> {
  process.stderr.write('at a fixed rate\n')
  return atFixedRate(flags.rounds)
}

async function measure(start: (influxd: Influxd) => Promise<Subject>): Promise<Round> {
  const influxd = await startInfluxd()
  await influxd.query('CREATE DATABASE tidemark')
  const subject = await start(influxd)
  try {
    const watched = Object.entries({ ...subject.pids, influxd: influxd.pid }).map(
      ([name, pid]) => [name, watchProcess(pid)] as const,
    )
    const size = ['--rate', 'max', '--messages', String(flags.messages), '--duration', '120s']
    const generated = await generate(subject, size, flags)
    const doneAt = await subject.finished()
    const stored = await subject.stored()
    const usage = Object.fromEntries(watched.map(([name, watch]) => [name, watch.end()]))
    const { acknowledged, ackMs, rate, seconds, endedAt } = generated.report
    const tailSeconds = Math.max(0, doneAt - endedAt) / 1000
    return {
      acknowledged,
      acknowledgedRate: rate,
      storedRate: stored === undefined ? undefined : Math.round(stored / (seconds + tailSeconds)),
      lost: stored === undefined ? undefined : acknowledged - stored,
      ackMs,
      processes: { ...usage, generator: generated.usage },
    }
  } finally {
    await subject.stop()
    await influxd.remove()
  }
}

function report(fixedRate: FixedRateReport | undefined): void {
  const medians = Object.fromEntries([...rounds].map(([name, of]) => [name, medianRound(of)]))
  const rateOf = (name: string) => medians[name]?.storedRate ?? medians[name]?.acknowledgedRate ?? 0
  const ratio = (a: string, b: string) => Math.round((rateOf(a) / rateOf(b)) * 1000) / 1000
  const result = {
    machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
    settings: flags,
    medians,
    ratios:
      comparison === undefined
        ? { 'b/a': ratio('b tidemark', 'a mosquitto'), 'b/c': ratio('b tidemark', 'c diy tuned') }
        : { [comparison.ratio]: ratio(comparison.first.name, comparison.second.name) },
    lost: Object.fromEntries([...rounds].map(([name, of]) => [name, of.map(({ lost }) => lost)])),
    fixedRate,
  }
  process.stdout.write(`${JSON.stringify(result, null, flags.json ? 0 : 2)}\n`)
}

/** The round whose rate is the median. */
function medianRound(of: readonly Round[]): Round | undefined {
  const rate = (round: Round) => round.storedRate ?? round.acknowledgedRate
  return of.toSorted((a, b) => rate(a) - rate(b))[of.length >> 1]
}
