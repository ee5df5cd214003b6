import { Command } from 'commander'
import { loadConfig } from '../config.ts'
import { addConfigFlags } from './options.ts'

/** `tidemark start`: the platform, until a signal ends it. */
export function startCommand(): Command {
  return addConfigFlags(new Command('start'))
    .description('run the platform: broker, ingest, storage, rules and HTTP')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ tidemark start --demo\n' +
        '  $ tidemark start --store influxdb --influx-url http://127.0.0.1:8086\n' +
        '  $ tidemark start --data-dir /var/lib/tidemark --mqtt-port 1883 --http-port 8080\n',
    )
    .action(async (flags: Record<string, unknown>) => {
      const config = loadConfig({ flags, env: process.env, cwd: process.cwd() })
      const { runPlatform } = await import('../platform.ts')
      process.exitCode = await runPlatform(config)
    })
}
