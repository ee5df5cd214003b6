import type { Command } from 'commander'
import { simulateCommand } from '../../cli/simulate.ts'

/** `tidemark simulate` in this process, to its end: the error with which it ends, if any, and what commander would write. */
export async function simulateInProcess(args: readonly string[]) {
  const command = await simulateCommand(args[0])
  let written = ''
  const write = (text: string) => {
    written += text
  }
  const quiet = (one: Command) => {
    one.exitOverride().configureOutput({ writeOut: write, writeErr: write })
    one.commands.forEach(quiet)
  }
  quiet(command)
  const error = await command.parseAsync(args, { from: 'user' }).then(
    () => undefined,
    (reason) => reason,
  )
  return { error, written }
}
