#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { messageOf, TidemarkError } from '../lib/errors.ts'
import { configCommand } from './config.ts'
import { rulesCommand } from './rules.ts'
import { simulateCommand } from './simulate.ts'
import { startCommand } from './start.ts'

const usageExitCode = 2

const program = new Command('tidemark')
  .description(
    'Telemetry that is never lost: MQTT broker, durable log, time-series storage and event-time rules',
  )
  .version('0.1.0')
  .addHelpText(
    'after',
    '\nExamples:\n  $ tidemark start --demo\n  $ tidemark config print\n  $ tidemark simulate run --devices 12\n  $ tidemark rules list\n',
  )
  .addCommand(startCommand())
  .addCommand(configCommand())
  .addCommand(rulesCommand())
  .addCommand(simulateCommand())

/** commander's own errors (a missing argument, an unknown flag) are usage errors, in every sub-command. */
function exitByThrowing(command: Command): void {
  command.exitOverride()
  command.commands.forEach(exitByThrowing)
}

exitByThrowing(program)
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
