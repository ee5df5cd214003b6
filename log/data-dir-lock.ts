import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, TidemarkError } from '../lib/errors.ts'

export const lockFile = 'tidemark.lock'
/** There while a backup is being restored, and after that was killed. */
export const restoringFile = 'tidemark.restoring'

interface Holder {
  readonly pid: number
  /** Clock ticks since boot at which the process started: tells it from a later one with the same number. */
  readonly startedAt: string
}

/**
 * Takes a data directory for this process; a second platform on it is refused. The holder is named by process id and
 * start time, so a lock left by `kill -9` is recognised at once. Returns the release.
 */
export function lockDataDir(dataDir: string): () => void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw cannotUse(dataDir, error)
  }
  if (existsSync(join(dataDir, restoringFile))) {
    const message = `${dataDir} holds part of a backup, whose restore did not end`
    throw new TidemarkError('TIDEMARK_RESTORE_UNFINISHED', message)
  }
  const file = join(dataDir, lockFile)
  const own = JSON.stringify({ pid: process.pid, startedAt: startTimeOf(process.pid) ?? '' } satisfies Holder)
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      writeFileSync(file, own, { flag: 'wx', mode: 0o600 })
      return () => rmSync(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotUse(dataDir, error)
    }
    const holder = readHolder(file)
    if (holder !== undefined && isAlive(holder)) {
      throw new TidemarkError('TIDEMARK_DATA_DIR_IN_USE', `${dataDir} is used by process ${holder.pid}`)
    }
    rmSync(file, { force: true })
  }
  throw new TidemarkError('TIDEMARK_DATA_DIR_IN_USE', `${dataDir} is being taken by another process`)
}

/** The process that has the data directory, or had it and was killed. */
export function holderOf(dataDir: string): number | undefined {
  return readHolder(join(dataDir, lockFile))?.pid
}

function cannotUse(dataDir: string, cause: unknown): TidemarkError {
  return new TidemarkError(
    'TIDEMARK_DATA_DIR',
    `cannot write to the data directory ${dataDir}: ${messageOf(cause)}`,
    {
      cause,
      exitCode: 2,
    },
  )
}

function readHolder(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder
  } catch {
    return undefined
  }
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const startedAt = startTimeOf(holder.pid)
  return startedAt === undefined || startedAt === holder.startedAt
}

/** Field 22 of /proc/<pid>/stat (proc(5)); undefined where there is no such file system. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
