import { Command } from 'commander'
import { type VerifyProgress, verify } from '../simulators/verify.ts'
import { type ApiFlags, client, withApi } from './connection.ts'
import { durationOption } from './simulate-options.ts'
import { endProgress, interruptible, progressLine, report } from './terminal.ts'

/** `tidemark simulate verify` */
export function verifyCommand(): Command {
  return withApi(new Command('verify'))
    .description(
      'compare a ledger of acknowledged readings with what is stored; exit code 1 when they differ',
    )
    .requiredOption('--ledger <file>', 'as written by run, bench or replay')
    .addOption(durationOption('--settle', 'how long to wait for pending messages', 30))
    .option('--json', 'one JSON object on standard output')
    .addHelpText(
      'after',
      '\nExample:\n  $ tidemark simulate verify --ledger run.ndjson --api http://127.0.0.1:8080\n\n' +
        'Messages that the platform has to refuse (no JSON, a time outside 2000 to 2099, a value outside the range of its\n' +
        'profile) must be among its dead letters: deadLettered, or else deadLettersMissing, which is part of missing.\n' +
        'Exit code 1: missing, altered, invented or repeated is above 0; 2: no ledger; 3: the platform does not answer;\n' +
        '130: interrupted.\n',
    )
    .action(async (flags: ApiFlags & { ledger: string; settle: number; json?: boolean }) => {
      const { ledger, settle: settleMs } = flags
      const progress = progressLine()
      let compared = 0
      const onProgress = ({ stored }: VerifyProgress) => {
        compared = stored
        progress(`${stored} readings`)
      }
      const kept = () => `${compared} readings were compared, ${ledger} is as it was`
      await interruptible(async (signal) => {
        const result = await verify({ ledger, api: client(flags).until(signal), settleMs, onProgress })
        endProgress()
        report(result, flags.json)
        if (result.missing + result.altered + result.invented + result.repeated > 0) process.exitCode = 1
      }, kept)
    })
}
