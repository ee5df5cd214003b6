import { Command } from 'commander'
import { models } from '../simulators/models/models.ts'
import { loadScenario, shippedScenarios } from '../simulators/scenario.ts'

/** `tidemark simulate list` */
export function listCommand(): Command {
  return new Command('list')
    .description('list the scenarios that can be run and the kinds of device that can be simulated')
    .option('--json', 'one JSON object on standard output')
    .addHelpText('after', '\nExamples:\n  $ tidemark simulate list\n  $ tidemark simulate list --json\n')
    .action(({ json }: { json?: boolean }) => {
      const scenarios = shippedScenarios()
        .map(loadScenario)
        .map(({ name, description }) => ({ name, description }))
      const devices = models.map(({ type, description, intervalMs }) => ({ type, description, intervalMs }))
      if (json) process.stdout.write(`${JSON.stringify({ scenarios, devices })}\n`)
      else {
        const line = (name: string, text: string) => `  ${name.padEnd(18)} ${text}\n`
        process.stdout.write(
          `Scenarios\n${scenarios.map(({ name, description }) => line(name, description)).join('')}` +
            `Devices\n${devices.map(({ type, description }) => line(type, description)).join('')}`,
        )
      }
    })
}
