import { Command, InvalidArgumentError } from 'commander'
import { TidemarkError } from '../lib/errors.ts'
import { endMs, epochMs } from '../simulators/models/model.ts'
import { run, scenarios } from '../simulators/run.ts'
import { client } from './connection.ts'
import {
  type Connection,
  durationOption,
  positive,
  seed,
  time,
  wholeNumber,
  withConnection,
} from './simulate-options.ts'
import { interruptible, progressLine, report } from './terminal.ts'

interface RunFlags extends Connection {
  devices: number
  duration: number
  speed: number
  seed: number
  start?: number
  ledger?: string
}

/** `tidemark simulate run` */
export function runCommand(): Command {
  return withConnection(new Command('run'))
    .description('run a fleet of simulated devices, registering those that are new')
    .option('--scenario <name>', 'what to run, see `list`', scenario, 'mixed')
    .option('--devices <n>', 'number of devices', wholeNumber, 12)
    .addOption(durationOption('--duration', 'how long to run, by the wall clock', 60))
    .option('--speed <factor>', 'how much faster virtual time passes', positive, 1)
    .option('--seed <n>', 'the same seed gives the same readings', seed, 42)
    .option('--start <time>', 'virtual time at the start, RFC 3339; else so that the run ends now', time)
    .option('--faults <preset>', 'none; faults are not implemented yet', faults, 'none')
    .option('--truth <file>', 'refused: there is no truth to write without faults', noTruth)
    .option('--ledger <file>', 'append a line for each acknowledged message')
    .addHelpText(
      'after',
      '\nExamples:\n  $ tidemark simulate run\n' +
        '  $ tidemark simulate run --devices 60 --duration 5m --speed 60 --ledger run.ndjson\n' +
        '  $ tidemark simulate run --start 2026-11-23T00:00:00Z --speed 1440 --duration 60s --seed 7 --json\n',
    )
    .action(async (flags: RunFlags) => {
      const { devices, duration: length, speed, seed, ledger } = flags
      const startMs = flags.start ?? Date.now() - length * speed
      if (startMs < epochMs || startMs + length * speed > endMs) {
        const message =
          'the run would leave the years 2000 to 2099, outside which the platform takes no reading'
        throw new TidemarkError('TIDEMARK_RUN_INVALID', message, { exitCode: 2 })
      }
      const progress = progressLine()
      await interruptible(async (signal) => {
        const options = { devices, durationMs: length, speed, seed, startMs, ledger, signal }
        const onProgress = (p: { sent: number; acknowledged: number }) =>
          progress(`sent ${p.sent}, acknowledged ${p.acknowledged}`)
        const result = await run({ ...options, mqttUrl: flags.url, api: client(flags), onProgress })
        report(result, flags.json)
        if (result.acknowledged < result.sent) process.exitCode = 1
      })
    })
}

function scenario(text: string): string {
  if (scenarios.some(({ name }) => name === text)) return text
  throw new InvalidArgumentError(`expected one of: ${scenarios.map(({ name }) => name).join(', ')}`)
}

function faults(text: string): string {
  if (text === 'none') return text
  throw new InvalidArgumentError('only none: faults are not implemented yet')
}

function noTruth(): never {
  throw new InvalidArgumentError('faults are not implemented yet, so there is no truth to write')
}
