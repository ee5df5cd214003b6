import type { Command } from 'commander'

/** A command in this process, to its end: the error with which it ends, if any, and what commander would write. */
export async function inProcess(command: Command, args: readonly string[]) {
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
