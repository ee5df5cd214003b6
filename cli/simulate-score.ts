import { Command } from 'commander'
import { checkedScenario } from '../simulators/scenario-check.ts'
import { type Assessment, assess } from '../simulators/score/assess.ts'
import { writePlots } from '../simulators/score/plot-files.ts'
import { scoreTable } from '../simulators/score/score-table.ts'
import { type ApiFlags, client, withApi } from './connection.ts'
import { durationOption, time } from './simulate-options.ts'
import { interruptible } from './terminal.ts'

interface ScoreFlags extends ApiFlags {
  truth: string
  scenario?: string
  from?: number
  to?: number
  settle: number
  plots?: string
  json?: boolean
}

/** `tidemark simulate score` */
export function scoreCommand(): Command {
  return withApi(new Command('score'))
    .description('score what the platform told against a truth file; exit code 1 when a mark is missed')
    .requiredOption('--truth <file>', 'as written by run; FILE.run.json beside it says what ran')
    .option('--scenario <name>', 'marks of this scenario, instead of those of the run')
    .option('--from <time>', 'score from this virtual time on, RFC 3339', time)
    .option('--to <time>', 'and to this one', time)
    .addOption(durationOption('--settle', 'how long to wait for the platform to have caught up', 30))
    .option('--plots <dir>', 'write a picture of each fault that something should have told of, as SVG')
    .option('--json', 'one JSON object on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  $ tidemark simulate score --truth run.truth.ndjson\n' +
        '  $ tidemark simulate score --truth run.truth.ndjson --scenario coldchain --plots plots --json\n',
    )
    .action(async (flags: ScoreFlags) => {
      const marks = flags.scenario === undefined ? undefined : checkedScenario(flags.scenario).pass
      const { truth: truthFile, settle: settleMs, from: fromMs, to: toMs } = flags
      const kept = () =>
        `nothing was scored, ${truthFile} is as it was${flags.plots === undefined ? '' : `; pictures that were drawn are in ${flags.plots}`}`
      await interruptible(async (signal) => {
        const api = client(flags).until(signal)
        const result = await assess({ truthFile, api, settleMs, nowMs: Date.now(), fromMs, toMs, marks })
        const plots =
          flags.plots === undefined
            ? undefined
            : await writePlots(api, result.score.truths, result.span, flags.plots)
        if (flags.json) process.stdout.write(`${JSON.stringify({ ...scoreReport(result), plots })}\n`)
        else process.stdout.write(`${scoreText(result)}${plotsText(plots, flags.plots)}`)
        if (result.marks.some(({ verdict }) => verdict === 'missed')) process.exitCode = 1
      }, kept)
    })
}

/** One object with everything that the text has. */
export function scoreReport({ span, score, ...rest }: Assessment): object {
  const { startMs, endMs, devices } = span
  return { ...rest, startMs, endMs, devices: devices.length, ...score }
}

function plotsText(plots: readonly string[] | undefined, dir: string | undefined): string {
  return plots === undefined ? '' : `\nplots: ${plots.length} in ${dir}\n`
}

/** The score as people read it. */
export function scoreText({ scenario, seed, span, settled, complete, score, marks }: Assessment): string {
  const name = scenario === undefined ? '' : `${scenario}, seed ${seed}: `
  const [from, to] = [span.startMs, span.endMs].map((ms) => new Date(ms).toISOString())
  const warnings = [
    settled ? '' : 'warning: the platform had not caught up; events may be missing (--settle)\n',
    complete
      ? ''
      : 'warning: the platform no longer keeps its oldest events; some of the run may be among them\n',
  ]
  const head = `${name}${span.devices.length} devices, ${from} to ${to}\n${warnings.join('')}\n`
  return `${head}${scoreTable(score, marks)}`
}
