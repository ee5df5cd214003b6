import { Command } from 'commander'
import { restore } from '../backup/restore.ts'
import { report } from './terminal.ts'

/** `tidemark restore` */
export function restoreCommand(): Command {
  return new Command('restore')
    .description('make a data directory of a backup')
    .argument('<dir>', 'folder of the backup')
    .requiredOption('--data-dir <text>', 'the data directory: new, or empty')
    .option('--json', 'one JSON object on standard output')
    .addHelpText(
      'after',
      '\nExample:\n  $ tidemark restore /mnt/backups/monday --data-dir /var/lib/tidemark\n\n' +
        'Run it as the user of the platform. Every file is checked against the backup; no platform starts on half of one.\n',
    )
    .action(async (dir: string, { dataDir, json }: { dataDir: string; json?: boolean }) => {
      report(await restore(dir, dataDir), json)
    })
}
