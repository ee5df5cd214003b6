import { cpus } from 'node:os'
import { Command } from 'commander'
import { mixSpeed, type SpeedOptions, thresholdSpeed } from './rule-speed.ts'

/** `npm run bench:rules`: how fast rules are evaluated, what they cost in memory, and how soon an event arrives. */
const flags = new Command('bench:rules')
  .option('--rounds <n>', 'rounds of each', Number, 5)
  .option('--only <name>', 'measure only this subject')
  .option('--tiny', 'a hundredth of the work: to see that it runs')
  .option('--json', 'one JSON object on standard output')
  .parse()
  .opts<{ rounds: number; only?: string; tiny?: boolean; json?: boolean }>()

const progress = (text: string) => process.stderr.write(`${text}\n`)
const speed: SpeedOptions = flags.tiny
  ? { rounds: 1, rules: 30, devices: 20, mixDevices: 20, ticks: 10 }
  : { rounds: flags.rounds, rules: 300, devices: 1_000, mixDevices: 100, ticks: 100 }

const subjects: Readonly<Record<string, () => unknown>> = {
  threshold: () => thresholdSpeed(speed),
  mix: () => mixSpeed(speed, progress),
}

if (flags.only !== undefined && !(flags.only in subjects)) {
  progress(`there is no subject ${flags.only}: ${Object.keys(subjects).join(', ')}`)
  process.exit(2)
}
const reports: Record<string, unknown> = {}
for (const [name, measure] of Object.entries(subjects)) {
  if (flags.only !== undefined && name !== flags.only) continue
  progress(name)
  reports[name] = await measure()
}
const result = {
  machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
  settings: flags,
  ...reports,
}
process.stdout.write(`${JSON.stringify(result, null, flags.json ? 0 : 2)}\n`)
