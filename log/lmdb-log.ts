import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, open, type RootDatabase } from 'lmdb'
import { diskSpace } from '../lib/disk-space.ts'
import { messageOf, TidemarkError } from '../lib/errors.ts'
import { settleFailedCommit } from './commit-failures.ts'
import { checkDataFormat, keptFormat, markDataFormat } from './data-format.ts'
import { Doorbell } from './doorbell.ts'
import { LmdbStream, type StreamEnd } from './lmdb-stream.ts'
import { LmdbTables } from './lmdb-tables.ts'
import {
  type Change,
  type Log,
  type LogRecord,
  type LogStats,
  type LogTransaction,
  type ReadLimits,
  type SharedStreamName,
  type StreamName,
  type StreamStats,
  slowestOffset,
  streamNames,
  type TableName,
  type TableRange,
  waitingBytes,
} from './log.ts'

export interface LmdbLogOptions {
  /** Folder of the two environments; made with mode 0700 when missing. */
  readonly path: string
  /** Bytes of what waits for consumers, in all streams together, at which `appendIngress` refuses. */
  readonly logBytesMax?: number
  /** Of the thread that opened the log first, so that threads wake each other. */
  readonly doorbell?: SharedArrayBuffer
  /** Longest wait for a bell: small where the writers are in other processes, which cannot ring it. */
  readonly pollMs?: number
}

const trimRecordsMax = 5_000
const sizeCheckMs = 200
/**
 * Address space of each environment. One that outgrows its map is mapped anew at twice the size, and the old maps stay: the same
 * pages are then resident up to twice (153 MB for a file of 88 MB). Takes neither memory nor disk before it is used.
 */
const mapBytes = 8 * 1024 ** 3
/**
 * Room on the disk that is left alone: lmdb-js 3.5 formats the error of a write that finds no space into a buffer that may be
 * too short, and the process aborts. `ingress` stops first, so that what was acknowledged can still be worked off.
 */
const reserveBytes = { ingress: 64 * 1024 * 1024, main: 32 * 1024 * 1024 } as const

/**
 * Opens the durable log in `options.path`. Every thread and process opens it for itself; LMDB shares the pages. Rejects with
 * TIDEMARK_LOG_OPEN, or TIDEMARK_LOG_FORMAT where a newer version has written.
 */
export async function openLmdbLog(options: LmdbLogOptions): Promise<LmdbLog> {
  mkdirSync(options.path, { recursive: true, mode: 0o700 })
  try {
    // overlappingSync: false makes a put resolve after its fdatasync and reject when that failed.
    const common = { overlappingSync: false, maxDbs: 64, mapSize: mapBytes } as const
    const ingress = open<Buffer, number>({
      ...common,
      path: join(options.path, 'ingress'),
      encoding: 'binary',
    })
    const main = open({ ...common, path: join(options.path, 'main') })
    checkDataFormat(main, options.path)
    for (const name of ['ingress', 'main']) chmodSync(join(options.path, name), 0o700)
    return new LmdbLog(ingress, main, options)
  } catch (error) {
    if (error instanceof TidemarkError) throw error
    throw new TidemarkError(
      'TIDEMARK_LOG_OPEN',
      `cannot open the log in ${options.path}: ${messageOf(error)}`,
      { cause: error },
    )
  }
}

/**
 * The log on one machine. Two LMDB environments, because LMDB has one writer at a time for each: `ingress` belongs to the
 * broker, so that acknowledgements never wait for the other parts; `main` holds everything else (docs/decisions/0001).
 */
export class LmdbLog implements Log {
  readonly doorbell: Doorbell
  readonly #ingressRoot: RootDatabase<Buffer, number>
  readonly #mainRoot: RootDatabase
  readonly #streams: Readonly<Record<StreamName, LmdbStream>>
  readonly #tables: LmdbTables
  readonly #logBytesMax: number
  readonly #pollMs: number
  #ingressEnd: StreamEnd | undefined
  #waiting = 0
  #waitingCheckedAt = Number.NEGATIVE_INFINITY
  readonly #path: string
  #freeBytes = Number.POSITIVE_INFINITY
  #freeCheckedAt = Number.NEGATIVE_INFINITY

  constructor(ingress: RootDatabase<Buffer, number>, main: RootDatabase, options: LmdbLogOptions) {
    this.#ingressRoot = ingress
    this.#mainRoot = main
    const shared = (name: string) =>
      new LmdbStream(main.openDB<Buffer, number>({ name, encoding: 'binary' }) as Database<Buffer, number>)
    this.#streams = {
      ingress: new LmdbStream(ingress),
      readings: shared('readings'),
      'dead-letters': shared('dead-letters'),
      events: shared('events'),
      connections: shared('connections'),
      commands: shared('commands'),
      audit: shared('audit'),
    }
    this.#tables = new LmdbTables(main)
    this.#logBytesMax = options.logBytesMax ?? Number.POSITIVE_INFINITY
    this.#pollMs = options.pollMs ?? 1_000
    this.#path = options.path
    this.doorbell = new Doorbell(options.doorbell)
  }

  async appendIngress(value: Uint8Array, count: number): Promise<number> {
    this.#checkDisk('ingress')
    // Beyond it by one group at most: were the group counted too, one larger than what is left would never be taken.
    if (this.#waitingBytes() >= this.#logBytesMax) {
      throw new TidemarkError('TIDEMARK_LOG_FULL', `the log holds its limit of ${this.#logBytesMax} bytes`)
    }
    const before = this.#ingressEnd ?? this.#streams.ingress.end()
    const { end, written } = this.#streams.ingress.put(before, value, count)
    // Taken at once: a second append may follow before the first is on disk.
    this.#ingressEnd = end
    this.#waiting += end.bytes - before.bytes
    try {
      await written
    } catch (error) {
      // What the environment holds now decides where the next one goes.
      this.#ingressEnd = undefined
      this.#ingressRoot.resetReadTxn()
      throw writeError(error)
    }
    this.doorbell.ring('ingress')
    return before.offset
  }

  async transaction<T>(work: (tx: LogTransaction) => T): Promise<T> {
    this.#checkDisk('main')
    let outcome: { result: T } | { error: unknown } | undefined
    const touched = new Set<StreamName>()
    let tablesChanged = false
    try {
      await this.#mainRoot.transaction(() => {
        // lmdb-js joins queued transactions into one commit, so a throw would not undo what was put: gather first.
        const writes: (() => void)[] = []
        const ends = new Map<SharedStreamName, StreamEnd>()
        const tx: LogTransaction = {
          append: (name, value, count) => {
            const stream = this.#streams[name]
            const before = ends.get(name) ?? stream.end()
            ends.set(name, { offset: before.offset + count, bytes: before.bytes + value.length + 16 })
            writes.push(() => void stream.put(before, value, count))
            touched.add(name)
            return before.offset
          },
          removeRecord: (name, offset) => {
            const stream = this.#streams[name]
            if (!stream.has(offset)) return false
            writes.push(() => stream.erase(offset))
            return true
          },
          commitOffset: (consumer, offset) =>
            void writes.push(() => this.#tables.commitOffset(consumer, offset)),
          get: (table, key) => this.#tables.get(table, key),
          entries: (table, range = {}) => this.#tables.entries(table, range),
          put: (table, key, value) => {
            tablesChanged ||= this.#tables.isFeed(table)
            writes.push(() => this.#tables.put(table, key, value))
          },
          remove: (table, key) => {
            tablesChanged ||= this.#tables.isFeed(table)
            writes.push(() => this.#tables.remove(table, key))
          },
          count: (counter, by) => void writes.push(() => this.#tables.count(counter, by)),
        }
        try {
          outcome = { result: work(tx) }
        } catch (error) {
          outcome = { error }
          return
        }
        for (const write of writes) write()
      })
    } catch (error) {
      throw writeError(error)
    }
    if (outcome === undefined) throw new Error('the transaction did not run')
    if ('error' in outcome) throw outcome.error
    if (tablesChanged) this.doorbell.ringAll()
    else for (const stream of touched) this.doorbell.ring(stream)
    return outcome.result
  }

  read(stream: StreamName, from: number, limits: ReadLimits): LogRecord[] {
    this.#refresh()
    return this.#streams[stream].read(from, limits)
  }

  readBackward(stream: StreamName, before: number, limits: ReadLimits): LogRecord[] {
    this.#refresh()
    return this.#streams[stream].readBackward(before, limits)
  }

  end(stream: StreamName): number {
    this.#refresh()
    return this.#streams[stream].end().offset
  }

  start(stream: StreamName): number {
    this.#refresh()
    return this.#streams[stream].start()
  }

  offset(consumer: string): number {
    this.#refresh()
    return this.#tables.offset(consumer)
  }

  get<V>(table: TableName, key: string): V | undefined {
    this.#refresh()
    return this.#tables.get<V>(table, key)
  }

  entries<V>(table: TableName, range: TableRange = {}): [string, V][] {
    this.#refresh()
    return this.#tables.entries<V>(table, range)
  }

  changesSince(revision: number): Change[] {
    this.#refresh()
    return this.#tables.changesSince(revision)
  }

  async waitFor(stream: StreamName, offset: number, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const seen = this.doorbell.count(stream)
    if (this.end(stream) > offset) return
    await this.doorbell.wait(stream, seen, Math.min(timeoutMs, this.#pollMs), signal)
  }

  async trim(stream: StreamName, offset: number): Promise<void> {
    this.#refresh()
    const root = stream === 'ingress' ? this.#ingressRoot : this.#mainRoot
    const target = this.#streams[stream]
    for (;;) {
      const below = target.recordsBelow(offset, trimRecordsMax)
      if (below.length === 0) return
      this.#checkDisk('main')
      try {
        await root.transaction(() => {
          for (const key of below) target.remove(key)
        })
      } catch (error) {
        throw writeError(error)
      }
      this.#refresh()
    }
  }

  stats(): LogStats {
    this.#refresh()
    const offsets = this.#tables.offsets()
    const counters = this.#tables.counters()
    return { streams: this.#statsOf(offsets), offsets, counters }
  }

  /** Of what the data directory holds. */
  get format(): number {
    return keptFormat(this.#mainRoot)
  }

  /** Says that the data directory has the format of this version. Rejects with TIDEMARK_LOG_WRITE. */
  async markFormat(): Promise<void> {
    try {
      await markDataFormat(this.#mainRoot)
    } catch (error) {
      throw writeError(error)
    }
  }

  /** Lets go of the pages that readers in other processes held when they were killed: until then none of them is used again. */
  forgetDeadReaders(): void {
    this.#ingressRoot.readerCheck()
    this.#mainRoot.readerCheck()
  }

  async close(): Promise<void> {
    await this.#ingressRoot.close()
    await this.#mainRoot.close()
  }

  /** Reads see the newest commit from here on, of other threads and processes too. */
  #refresh(): void {
    this.#mainRoot.resetReadTxn()
    this.#ingressRoot.resetReadTxn()
  }

  /** `offsets` were read before: what they say of ingest's progress is never ahead of the end of `ingress`. */
  #statsOf(offsets: Readonly<Record<string, number>>): Record<StreamName, StreamStats> {
    const of = (name: StreamName) =>
      this.#streams[name].stats(slowestOffset(name, (consumer) => offsets[consumer] ?? 0))
    return Object.fromEntries(streamNames.map((name) => [name, of(name)])) as Record<StreamName, StreamStats>
  }

  /** Throws TIDEMARK_LOG_FULL while the disk has no more than its reserve; looked at again at most every `sizeCheckMs`. */
  #checkDisk(environment: keyof typeof reserveBytes): void {
    const now = performance.now()
    if (now - this.#freeCheckedAt > sizeCheckMs) {
      this.#freeCheckedAt = now
      this.#freeBytes = diskSpace(this.#path)?.freeBytes ?? Number.POSITIVE_INFINITY
    }
    if (this.#freeBytes >= reserveBytes[environment]) return
    const mib = Math.floor(this.#freeBytes / 1024 ** 2)
    throw new TidemarkError('TIDEMARK_LOG_FULL', `the disk of ${this.#path} has ${mib} MiB left`)
  }

  /** Bytes of what consumers have yet to read, counted again at most every `sizeCheckMs` and kept up in between. */
  #waitingBytes(): number {
    if (this.#logBytesMax === Number.POSITIVE_INFINITY) return 0
    const now = performance.now()
    if (now - this.#waitingCheckedAt > sizeCheckMs) {
      this.#waitingCheckedAt = now
      this.#refresh()
      this.#waiting = waitingBytes(this.#statsOf(this.#tables.offsets()))
    }
    return this.#waiting
  }
}

function writeError(error: unknown): TidemarkError {
  settleFailedCommit(error)
  return new TidemarkError('TIDEMARK_LOG_WRITE', `the log could not be written: ${messageOf(error)}`, {
    cause: error,
  })
}
