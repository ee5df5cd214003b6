import { Command } from 'commander'
import { models } from '../simulators/models/models.ts'

/** `tidemark simulate …`: the device simulator. */
export function simulateCommand(): Command {
  const list = new Command('list')
    .description('list the kinds of device that can be simulated')
    .action(() => {
      for (const { type, description } of models) process.stdout.write(`${type.padEnd(18)} ${description}\n`)
    })
  return new Command('simulate').description('simulate devices').addCommand(list)
}
