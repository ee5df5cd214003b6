import { Command, InvalidArgumentError } from 'commander'
import { durationMs } from '../domain/duration.ts'
import { TidemarkError } from '../lib/errors.ts'
import { ApiClient } from '../simulators/api-client.ts'
import { endMs, epochMs } from '../simulators/models/model.ts'
import { OwnPlatform } from '../simulators/own-platform.ts'
import { planRun } from '../simulators/plan.ts'
import type { RunProgress } from '../simulators/run.ts'
import type { Scenario } from '../simulators/scenario.ts'
import { checkedScenario } from '../simulators/scenario-check.ts'
import { type ScoredRunOptions, type ScoredRunReport, scoredRun } from '../simulators/scored-run.ts'
import { client } from './connection.ts'
import {
  addedFaults,
  type Connection,
  durationOption,
  seed,
  speedOrMax,
  time,
  wholeNumber,
  withConnection,
} from './simulate-options.ts'
import { scoreReport, scoreText } from './simulate-score.ts'
import { interruptible, progressLine, report } from './terminal.ts'

interface RunFlags extends Connection {
  scenario: string
  devices?: number
  duration?: number
  speed?: number
  seed: number
  start?: number
  faults: string
  prefix: string
  settle: number
  ledger?: string
  truth?: string
  late?: true
}

/** `tidemark simulate run` */
export function runCommand(): Command {
  return withConnection(new Command('run'))
    .description('run a scenario: register its devices, install its rules, send its readings and its faults')
    .option('--scenario <name|file>', 'what to run, see `list`', 'mixed')
    .option(
      '--devices <n>',
      'number of devices, in the proportions of the scenario; else its own',
      wholeNumber,
    )
    .option(
      '--duration <duration>',
      'wall time, or virtual time with --speed max; else the whole scenario',
      length,
    )
    .option('--speed <factor|max>', 'how much faster virtual time passes; else the scenario’s', speedOrMax)
    .option('--seed <n>', 'the same seed gives the same readings and faults', seed, 42)
    .option('--start <time>', 'virtual time at the start, RFC 3339; else so that the run ends now', time)
    .option(
      '--faults <none|dirty|hostile|file>',
      'faults of sensors and transport beyond the scenario’s',
      'none',
    )
    .option('--prefix <text>', 'before every device id', prefix, '')
    .option('--late', 'send also where devices have reported later already, so that rules take it for late')
    .addOption(durationOption('--settle', 'how long to wait for the platform to have caught up', 60))
    .option('--truth <file>', 'write a line for each fault, for `score`')
    .option('--ledger <file>', 'append a line for each acknowledged message, for `verify`')
    .addHelpText(
      'after',
      '\nExamples:\n  $ tidemark simulate run\n' +
        '  $ tidemark simulate run --scenario coldchain --seed 1 --truth t.ndjson --ledger l.ndjson\n' +
        '  $ tidemark simulate run --devices 60 --duration 5m --speed 60 --faults dirty\n' +
        '  $ tidemark simulate run --start 2026-11-23T00:00:00Z --speed 1440 --duration 60s --seed 7 --json\n\n' +
        'A run ends now and so begins in the past. One whose devices have reported later already is refused: give\n' +
        'a --prefix, a later --start, a new platform, or --late. Exit code 1: something sent was not acknowledged;\n' +
        '130: interrupted.\n',
    )
    .action(async (flags: RunFlags, command: Command) => {
      const scenario = checkedScenario(flags.scenario)
      const plan = planned(scenario, flags)
      await interruptible(
        (signal) => ran({ scenario, plan, signal }, flags, command),
        () => keptOf(flags),
      )
    })
}

async function ran(
  given: Pick<ScoredRunOptions, 'scenario' | 'plan' | 'signal'>,
  flags: RunFlags,
  command: Command,
): Promise<void> {
  const { scenario, signal } = given
  const { ledger, truth, late, settle: settleMs } = flags
  const progress = progressLine()
  const onProgress = (at: RunProgress) => progress(shown(at))
  const platform = ownPlatform(scenario, command)
  try {
    await platform?.start()
    const { mqttUrl = flags.url } = platform ?? {}
    const api = platform === undefined ? client(flags) : new ApiClient(platform.httpUrl, platform.adminToken)
    const options = { speed: speedOf(scenario, flags), mqttUrl, api, platform, ledger, truth, late, settleMs }
    const result = await scoredRun({ ...given, ...options, onProgress })
    printReport(result, flags.json)
    if (result.run.acknowledged < result.run.sent) process.exitCode = 1
    if (result.failure !== undefined) throw result.failure
  } finally {
    // Nobody waits for what goes with its folder anyway.
    if (signal.aborted) await platform?.kill()
    await platform?.stop()
  }
}

/** What an interrupted run leaves. */
function keptOf({ ledger, truth }: RunFlags): string {
  const kept = [
    ...(ledger === undefined ? [] : [`what was acknowledged in ${ledger}`]),
    ...(truth === undefined ? [] : [`the truth in ${truth}`]),
  ]
  if (kept.length === 0) return 'not judged, and nothing kept to judge it by: give --ledger and --truth'
  return `not judged; kept: ${kept.join(', ')}`
}

/** One object of all; or the run, then what was lost, then what was told. */
function printReport(
  { run: ran, verify, score, kills, killsLeftOut }: ScoredRunReport,
  asJson: boolean | undefined,
): void {
  if (asJson) {
    const judged = score === undefined ? {} : { score: scoreReport(score) }
    process.stdout.write(
      `${JSON.stringify({ ...ran, kills, killsLeftOut, ...(verify && { verify }), ...judged })}\n`,
    )
    return
  }
  report(ran, false)
  for (const { part, downMs, catchUpMs } of kills ?? [])
    report({ [`killed ${part}`]: { downMs, catchUpMs: catchUpMs ?? 'not before the end' } }, false)
  if (killsLeftOut !== undefined && killsLeftOut.length > 0) report({ killsLeftOut }, false)
  if (verify !== undefined) report({ verify: { ...verify, examples: verify.examples.length } }, false)
  if (score !== undefined) process.stdout.write(`\n${scoreText(score)}`)
}

/**
 * A platform that a run with kills may kill, where the user names none. Of one that the user names parts can be killed, which the
 * API does, and not the whole.
 */
function ownPlatform({ kills }: Scenario, command: Command): OwnPlatform | undefined {
  if (kills.length === 0) return undefined
  const named = ['api', 'url'].filter((flag) => command.getOptionValueSource(flag) === 'cli')
  if (named.length === 0) {
    process.stderr.write('tidemark: this scenario kills the platform; it runs on one of its own\n')
    return new OwnPlatform(process.argv[1]!)
  }
  if (!kills.includes('platform')) return undefined
  const message = `this scenario kills the whole platform, and does that to one of its own only: leave out --${named.join(' and --')}`
  throw new TidemarkError('TIDEMARK_RUN_INVALID', message, { exitCode: 2 })
}

function speedOf(scenario: Scenario, flags: RunFlags): number {
  return flags.speed ?? (scenario.speed === 'max' ? Number.POSITIVE_INFINITY : scenario.speed)
}

function planned(scenario: Scenario, flags: RunFlags) {
  const { seed: seedOfRun, duration, devices, prefix: before } = flags
  const speed = speedOf(scenario, flags)
  const factor = speed === Number.POSITIVE_INFINITY ? 1 : speed
  const lengthMs = duration === undefined ? scenario.length : duration * factor
  const startMs = Math.round(flags.start ?? Date.now() - lengthMs)
  if (startMs < epochMs || startMs + lengthMs > endMs) {
    const message = 'the run would leave the years 2000 to 2099, outside which the platform takes no reading'
    throw new TidemarkError('TIDEMARK_RUN_INVALID', message, { exitCode: 2 })
  }
  const faults = addedFaults(flags.faults, lengthMs, scenario)
  const plan = planRun(scenario, { seed: seedOfRun, startMs, lengthMs, devices, faults, prefix: before })
  if (plan.devices.every((device) => device.transmissions().next().done)) {
    const message = `nothing would be sent: no device reports within ${Math.round(lengthMs)} ms of virtual time`
    throw new TidemarkError('TIDEMARK_RUN_INVALID', message, { exitCode: 2 })
  }
  return plan
}

function shown({ sent, acknowledged, reconnects, share, seconds }: RunProgress): string {
  const left = share > 0 ? (seconds * (1 - share)) / share : 0
  return (
    `${Math.floor(share * 100)} %  ${Math.round(acknowledged / Math.max(seconds, 0.001))}/s  ` +
    `acknowledged ${acknowledged} of ${sent}  reconnects ${reconnects}  ${Math.ceil(left)} s left`
  )
}

function length(text: string): number {
  const ms = durationMs(text)
  if (ms !== undefined && ms > 0) return ms
  throw new InvalidArgumentError('expected a duration such as 30s, 10m, 2h')
}

function prefix(text: string): string {
  if (/^([A-Za-z0-9][A-Za-z0-9_.:-]{0,30})?$/.test(text)) return text
  throw new InvalidArgumentError('expected letters, digits and _ . : -, at most 31')
}
