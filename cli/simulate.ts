import { Command } from 'commander'
import { type LazyCommands, loaded } from './lazy-commands.ts'

const commands: LazyCommands = new Map([
  ['list', async () => (await import('./simulate-list.ts')).listCommand()],
  ['run', async () => (await import('./simulate-run.ts')).runCommand()],
  ['bench', async () => (await import('./simulate-bench.ts')).benchCommand()],
  ['generate', async () => (await import('./simulate-generate.ts')).generateCommand()],
  ['replay', async () => (await import('./simulate-replay.ts')).replayCommand()],
  ['provision', async () => (await import('./simulate-provision.ts')).provisionCommand()],
  ['verify', async () => (await import('./simulate-verify.ts')).verifyCommand()],
  ['score', async () => (await import('./simulate-score.ts')).scoreCommand()],
])

/** `tidemark simulate …`: the device simulator. */
export async function simulateCommand(asked: string | undefined): Promise<Command> {
  const simulate = new Command('simulate').description(
    'simulate devices, play recordings, put load on a broker, check what was stored, score what was told',
  )
  for (const command of await loaded(commands, asked)) simulate.addCommand(command)
  return simulate
}
