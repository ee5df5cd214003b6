import { Command, Option } from 'commander'
import { TidemarkError } from '../lib/errors.ts'
import { type GenerateFormat, generate } from '../simulators/generate.ts'
import type { Precision } from '../simulators/line-protocol.ts'
import { endMs, epochMs } from '../simulators/models/model.ts'
import { planRun } from '../simulators/plan.ts'
import { writeTruth } from '../simulators/run.ts'
import { checkedScenario } from '../simulators/scenario-check.ts'
import { addedFaults, duration, seed, time, wholeNumber } from './simulate-options.ts'
import { interruptible, progressLine, report } from './terminal.ts'

interface GenerateFlags {
  scenario: string
  duration?: number
  devices?: number
  seed: number
  start: number
  faults: string
  format: GenerateFormat
  precision: Precision
  out: string
  truth?: string
  json?: boolean
}

/** Always the same, since the same command has to give the same bytes. */
const start = '2026-01-01T00:00:00Z'

/** `tidemark simulate generate` */
export function generateCommand(): Command {
  return new Command('generate')
    .description('write the readings of a scenario to a file, without a broker')
    .requiredOption('--scenario <name|file>', 'whose devices and faults, see `list`')
    .option('--length, --duration <duration>', 'virtual time; else the whole scenario', duration)
    .option('--devices <n>', 'number of devices; else the scenario’s own', wholeNumber)
    .option('--seed <n>', 'the same seed gives the same bytes', seed, 42)
    .addOption(new Option('--start <time>', 'RFC 3339').argParser(time).default(Date.parse(start), start))
    .option(
      '--faults <none|dirty|hostile|file>',
      'faults of sensors and transport beyond the scenario’s',
      'none',
    )
    .addOption(
      new Option('--format <format>', 'a message a line, or InfluxDB’s line protocol')
        .choices(['ndjson', 'lp'])
        .default('ndjson'),
    )
    .addOption(
      new Option('--precision <unit>', 'unit of the timestamps of line protocol')
        .choices(['ms', 'ns'])
        .default('ns'),
    )
    .option('--out <file|->', 'written anew; - is standard output', '-')
    .option('--truth <file>', 'write a line for each fault, for `score`')
    .option('--json', 'the report as one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ tidemark simulate generate --scenario coldchain --seed 1 --out readings.ndjson --truth truth.ndjson\n' +
        '  $ tidemark simulate generate --scenario home --devices 6 --duration 1h | head -3\n' +
        '  $ tidemark simulate generate --scenario factory --format lp --precision ms --out readings.lp\n\n' +
        'A line of ndjson is {"device","type","ts","seq","values"}, in the order in which it would be sent; null is a value\n' +
        'that the sensor did not give. What is no reading (malformed, oversized, on a wrong topic) is left out and counted.\n' +
        'With --out - the report is on standard error. Exit code 2: usage, or a file that cannot be written.\n',
    )
    .action(async (flags: GenerateFlags) => {
      const { truth, format, precision } = flags
      const scenario = checkedScenario(flags.scenario)
      const lengthMs = flags.duration ?? scenario.length
      if (flags.start < epochMs || flags.start + lengthMs > endMs) {
        const message =
          'the readings would leave the years 2000 to 2099, outside which the platform takes none'
        throw new TidemarkError('TIDEMARK_RUN_INVALID', message, { exitCode: 2 })
      }
      const faults = addedFaults(flags.faults, lengthMs, scenario)
      const { seed, start: startMs, devices } = flags
      const plan = planRun(scenario, { seed, startMs, lengthMs, devices, faults })
      if (truth !== undefined) writeTruth(truth, plan, scenario)
      const progress = progressLine()
      await interruptible(async (signal) => {
        const isStandardOutput = flags.out === '-'
        const out = isStandardOutput ? process.stdout : flags.out
        const onProgress = (at: { readings: number; share: number }) =>
          progress(`${Math.floor(at.share * 100)} %  ${at.readings} readings`)
        const result = await generate({ plan, format, precision, out, signal, onProgress })
        report(result, flags.json, isStandardOutput ? process.stderr : process.stdout)
      })
    })
}
