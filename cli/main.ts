#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { messageOf, TidemarkError } from '../lib/errors.ts'
import { type LazyCommands, loaded } from './lazy-commands.ts'
import { endWhenOutputFails } from './terminal.ts'

const usageExitCode = 2

const [, , asked, askedOfIt] = process.argv
const commands: LazyCommands = new Map([
  ['start', async () => (await import('./start.ts')).startCommand()],
  ['backup', async () => (await import('./backup.ts')).backupCommand()],
  ['restore', async () => (await import('./restore.ts')).restoreCommand()],
  ['config', async () => (await import('./config.ts')).configCommand()],
  ['rules', async () => (await import('./rules.ts')).rulesCommand()],
  ['simulate', async () => (await import('./simulate.ts')).simulateCommand(askedOfIt)],
])

const program = new Command('tidemark')
  .description(
    'Telemetry that is never lost: MQTT broker, durable log, time-series storage and event-time rules',
  )
  .version('0.1.0')
  .addHelpText(
    'after',
    '\nExamples:\n  $ tidemark start --demo\n  $ tidemark config print\n  $ tidemark simulate run --devices 12\n  $ tidemark rules list\n',
  )
if (asked !== '--version') for (const command of await loaded(commands, asked)) program.addCommand(command)

/** commander's own errors (a missing argument, an unknown flag) are usage errors, in every sub-command. */
function exitByThrowing(command: Command): void {
  command.exitOverride()
  command.commands.forEach(exitByThrowing)
}

exitByThrowing(program)
// A platform lives on without whoever read its banner.
program.hook('preAction', (_, command) => {
  if (command.name() !== 'start') endWhenOutputFails()
})
try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : usageExitCode
  else if (error instanceof TidemarkError) {
    process.stderr.write(`tidemark: ${error.message} (${error.code})\n`)
    process.exitCode = error.exitCode
  } else {
    process.stderr.write(`tidemark: ${error instanceof Error ? error.stack : messageOf(error)}\n`)
    process.exitCode = 1
  }
  // Parts that had started already must not keep a failed start alive.
  process.exit()
}
