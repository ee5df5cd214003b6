import { Command } from 'commander'
import { verify } from '../simulators/verify.ts'
import { type ApiFlags, client, withApi } from './connection.ts'
import { durationOption } from './simulate-options.ts'
import { report } from './terminal.ts'

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
      '\nExample:\n  $ tidemark simulate verify --ledger run.ndjson --api http://127.0.0.1:8080\n',
    )
    .action(async (flags: ApiFlags & { ledger: string; settle: number; json?: boolean }) => {
      const result = await verify({ ledger: flags.ledger, api: client(flags), settleMs: flags.settle })
      report(result, flags.json)
      if (result.missing + result.altered + result.invented + result.repeated > 0) process.exitCode = 1
    })
}
