import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { backUp, partialDirOf } from '../backup/back-up.ts'
import { loadConfig } from '../config.ts'
import { TidemarkError } from '../lib/errors.ts'
import { holderOf, lockDataDir } from '../log/data-dir-lock.ts'
import { type ApiFlags, client, withApi } from './connection.ts'
import { interruptible, report } from './terminal.ts'

interface Flags extends ApiFlags {
  readonly dataDir?: string
  readonly json?: boolean
}

/** Whoever keeps the files as they are while they are copied. */
interface Holding {
  /** `duckdb` or `influxdb`. */
  readonly store: string
  /** Rejects when the hold ended before. */
  release(): Promise<void>
  /** However the backup ended. */
  end(): void
}

/** `tidemark backup` */
export function backupCommand(): Command {
  return withApi(new Command('backup'))
    .description('copy the data directory, of a platform that runs or of one that does not')
    .argument('<dir>', 'folder of the backup: new, or empty')
    .option('--data-dir <text>', 'data directory of the platform (TIDEMARK_DATA_DIR, default ./data)')
    .option('--json', 'one JSON object on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  $ tidemark backup /mnt/backups/monday\n' +
        '  $ tidemark backup /mnt/backups/monday --data-dir /var/lib/tidemark --api http://127.0.0.1:8080 --json\n\n' +
        'Run it on the machine of the platform, as its user. A platform that runs is asked to hold its files, with a token of role\n' +
        'admin, and goes on acknowledging. What is not finished is named <dir>.partial. InfluxDB has its own backup: make it after\n' +
        'this one, never before.\n',
    )
    .action(async (dir: string, flags: Flags) => {
      const { dataDir } = loadConfig({
        flags: { dataDir: flags.dataDir },
        env: process.env,
        cwd: process.cwd(),
      })
      if (!existsSync(join(dataDir, 'log/main/data.mdb'))) {
        const message = `${dataDir} is no data directory: it has no log`
        throw new TidemarkError('TIDEMARK_BACKUP_SOURCE', message, { exitCode: 2 })
      }
      // Before anybody is asked to hold anything.
      await partialDirOf(dir)
      await interruptible(
        async (signal) => {
          const holding = lockOf(dataDir) ?? (await holdOf(dataDir, flags))
          try {
            const made = await backUp({ dataDir, dir, release: holding.release, signal })
            report({ ...made, store: storeLine(holding.store, flags.json) }, flags.json)
          } finally {
            holding.end()
          }
        },
        () => 'no backup was made',
      )
    })
}

/** The lock of a data directory on which no platform runs; undefined where one does. */
function lockOf(dataDir: string): Holding | undefined {
  try {
    const unlock = lockDataDir(dataDir)
    const store = existsSync(join(dataDir, 'readings.duckdb')) ? 'duckdb' : 'influxdb'
    return { store, release: async () => undefined, end: unlock }
  } catch (error) {
    if (error instanceof TidemarkError && error.code === 'TIDEMARK_DATA_DIR_IN_USE') return undefined
    throw error
  }
}

async function holdOf(dataDir: string, flags: ApiFlags): Promise<Holding> {
  const api = client(flags, undefined, dataDir)
  const { first, close } = await api.openStream<{ pid: number; store: string }>('/backup-hold:stream')
  const holder = holderOf(dataDir)
  if (first.pid !== holder) {
    close()
    const message = `the platform at ${flags.api} is process ${first.pid}; ${dataDir} is used by process ${holder}: give its --api`
    throw new TidemarkError('TIDEMARK_BACKUP_SOURCE', message, { exitCode: 2 })
  }
  const release = async () => void (await api.request('DELETE', '/backup-hold'))
  return { store: first.store, release, end: close }
}

function storeLine(store: string, isJson: boolean | undefined): string {
  if (isJson || store === 'duckdb') return store
  return 'influxdb: not in this backup; make its own now, after this one'
}
