import { Command } from 'commander'
import { loadConfig, type Option, options } from '../config.ts'
import { addConfigFlags } from './options.ts'

/** `tidemark config print|check`. */
export function configCommand(): Command {
  const load = (flags: Record<string, unknown>) => loadConfig({ flags, env: process.env, cwd: process.cwd() })
  const print = addConfigFlags(new Command('print'))
    .description('print the configuration as it is in force; secrets are masked')
    .addHelpText('after', '\nExample:\n  $ TIDEMARK_MQTT_PORT=1884 tidemark config print --store influxdb\n')
    .action((flags: Record<string, unknown>) => {
      const secrets = new Set((options as readonly Option[]).filter((o) => o.isSecret).map((o) => o.key))
      const shown = Object.entries(load(flags)).map(([key, value]) => [key, secrets.has(key) ? '***' : value])
      process.stdout.write(`${JSON.stringify(Object.fromEntries(shown), null, 2)}\n`)
    })
  const check = addConfigFlags(new Command('check'))
    .description('check the configuration; exit code 2 names what is wrong')
    .addHelpText('after', '\nExample:\n  $ tidemark config check --host 0.0.0.0 --allow-plain\n')
    .action((flags: Record<string, unknown>) => {
      load(flags)
      process.stdout.write('the configuration is valid\n')
    })
  return new Command('config')
    .description('look at the configuration')
    .addHelpText('after', '\nExamples:\n  $ tidemark config print\n  $ tidemark config check\n')
    .addCommand(print)
    .addCommand(check)
}
