import { createRequire } from 'node:module'
import type { DuckDBConnection, DuckDBInstance, DuckDBResultReader, DuckDBValue } from '@duckdb/node-api'
import type { DeliveredEvent } from '../domain/event.ts'
import type { Value } from '../domain/profile.ts'
import type { ReadingBatch } from '../domain/reading-batch.ts'
import { delay } from '../lib/clock.ts'
import { messageOf, TidemarkError } from '../lib/errors.ts'
import { rowsMax, storedValue, timelineOf } from './duckdb-timeline.ts'
import type {
  EventWriteOutcome,
  LatestQuery,
  ReadingQuery,
  ReadingStore,
  StoredReading,
  TimelinePage,
  TimelineQuery,
  WriteOutcome,
} from './reading-store.ts'

/** `import` would look through its 180 files for names once more, for 0.2 s of every start. */
const duckdb: typeof import('@duckdb/node-api') = createRequire(import.meta.url)('@duckdb/node-api')
const { BOOLEAN, DOUBLE, LIST, VARCHAR, listValue } = duckdb

export interface DuckDbStoreOptions {
  readonly path: string
  readonly memoryLimitMb: number
}

const schema = `
  CREATE TABLE IF NOT EXISTS reading (
    device VARCHAR NOT NULL, metric VARCHAR NOT NULL, ts DOUBLE NOT NULL, num DOUBLE, bool BOOLEAN, text VARCHAR);
  CREATE TABLE IF NOT EXISTS event (id VARCHAR PRIMARY KEY, ts DOUBLE NOT NULL, device VARCHAR NOT NULL, body VARCHAR NOT NULL);`

/** Rows of DuckDB's vectors. */
const chunkRows = 2_048
const retryMs = 1_000
/** Between two interruptions of what must end: one that comes between two statements of a query stops neither. */
const interruptEveryMs = 20

/** The rows of a write, in columns, one for each value. */
interface Columns {
  readonly device: string[]
  readonly metric: string[]
  readonly ts: number[]
  readonly num: (number | null)[]
  readonly bool: (boolean | null)[]
  readonly text: (string | null)[]
}

/**
 * The embedded default. A narrow table without a primary key, whose index would outgrow the memory limit within days
 * (docs/decisions/0003): rows newer than anything of their device are appended; for the others, late or repeated, the rows
 * in their place are deleted first, in the same transaction. Times are Unix ms as DOUBLE, exact for every valid time.
 */
export class DuckDbStore implements ReadingStore {
  readonly kind = 'duckdb'
  readonly #options: DuckDbStoreOptions
  #instance: DuckDBInstance | undefined
  #writer: DuckDBConnection | undefined
  #reader: DuckDBConnection | undefined
  /** Newest stored time of each device. */
  #newest = new Map<string, number>()
  /** Between `open` and `close`; only then is a broken instance opened anew. */
  #isOpen = false
  #lastTransaction: Promise<unknown> = Promise.resolve()
  #lastRead: Promise<unknown> = Promise.resolve()
  #release: () => void = () => undefined

  constructor(options: DuckDbStoreOptions) {
    this.#options = options
  }

  async open(): Promise<void> {
    this.#isOpen = true
    try {
      await this.#connect()
    } catch (error) {
      const detail = `cannot open ${this.#options.path}: ${messageOf(error)}`
      throw new TidemarkError('TIDEMARK_STORE_OPEN', detail, { cause: error })
    }
  }

  async write(batches: readonly ReadingBatch[]): Promise<WriteOutcome> {
    const newest = new Map<string, number>()
    const retry = await this.#transaction(async (connection) => {
      // Inside: what is late is told by what the transaction before has stored.
      const { rows, late } = this.#gather(batches, newest)
      if (rows.device.length === 0) return
      if (late.device.length > 0) {
        const bounds = [late.ts.reduce((a, b) => Math.min(a, b)), late.ts.reduce((a, b) => Math.max(a, b))]
        await connection.run(
          `DELETE FROM reading USING (SELECT unnest($1) AS device, unnest($2) AS metric, unnest($3) AS ts) AS late
             WHERE reading.device = late.device AND reading.metric = late.metric AND reading.ts = late.ts
             AND reading.ts BETWEEN $4 AND $5`,
          [listValue(late.device), listValue(late.metric), listValue(late.ts), ...bounds],
          [LIST(VARCHAR), LIST(VARCHAR), LIST(DOUBLE), DOUBLE, DOUBLE],
        )
      }
      const { device, metric, ts, num, bool, text } = rows
      const types = [VARCHAR, VARCHAR, DOUBLE, DOUBLE, BOOLEAN, VARCHAR]
      await append(connection, 'reading', types, [device, metric, ts, num, bool, text])
    })
    if (retry !== undefined) return retry
    for (const [device, time] of newest) this.#newest.set(device, time)
    return { kind: 'done', rejected: [] }
  }

  async writeEvents(events: readonly DeliveredEvent[]): Promise<EventWriteOutcome> {
    const retry = await this.#transaction(async (connection) => {
      // One statement for all: one for each takes a millisecond, in which no reading is stored.
      const byId = [...new Map(events.map((event) => [event.id, event])).values()]
      await connection.run(
        'INSERT OR REPLACE INTO event SELECT unnest($1), unnest($2), unnest($3), unnest($4)',
        [
          listValue(byId.map(({ id }) => id)),
          listValue(byId.map(({ time }) => Date.parse(time))),
          listValue(byId.map(({ data }) => data.device)),
          listValue(byId.map((event) => JSON.stringify(event))),
        ],
        [LIST(VARCHAR), LIST(DOUBLE), LIST(VARCHAR), LIST(VARCHAR)],
      )
    })
    return retry ?? { kind: 'done' }
  }

  async readings(query: ReadingQuery): Promise<StoredReading[]> {
    const every = query.everyMs
    const time = every === undefined ? 'ts' : `floor(ts / ${every}) * ${every}`
    const parameters: (string | number)[] = [query.device, query.from, query.to, ...query.metrics]
    const named = query.metrics.map((_, i) => `$${i + 4}`).join(',')
    const where = `device = $1 AND ts >= $2 AND ts < $3${named === '' ? '' : ` AND metric IN (${named})`}`
    const columns = every === undefined ? 'num, bool, encode(text)' : aggregateColumns[query.fn ?? 'mean']
    const select = `SELECT ${time} AS t, metric, ${columns} FROM reading WHERE ${where}`
    // Where all that there is are few rows, one scan finds them; without an order it ends early where there are many.
    const few =
      every === undefined ? await this.#read(`${select} LIMIT ${rowsMax + 1}`, parameters) : undefined
    const rows = few !== undefined && few.currentRowCount <= rowsMax ? few.getRows().sort(byTime) : undefined
    // The limit counts times, of which each has several rows.
    const within = `${time} IN (SELECT DISTINCT ${time} AS t FROM reading WHERE ${where} ORDER BY t LIMIT ${query.limit})`
    const grouping = every === undefined ? '' : 'GROUP BY t, metric'
    const inOrder = `${select} AND ${within} ${grouping} ORDER BY t, metric`
    const found: { time: number; values: Record<string, Value> }[] = []
    for (const [t, metric, num, bool, text] of rows ?? (await this.#read(inOrder, parameters)).getRows()) {
      const value = storedValue(num, bool, text) as Value | null
      if (value === null) continue
      if (found.at(-1)?.time !== t) found.push({ time: t as number, values: {} })
      found.at(-1)!.values[metric as string] = value
    }
    return found.slice(0, query.limit)
  }

  timeline(query: TimelineQuery): Promise<TimelinePage> {
    return timelineOf((sql, parameters) => this.#read(sql, parameters), query)
  }

  async latest({ device }: LatestQuery): Promise<Record<string, { value: Value; time: number }>> {
    const result = await this.#read(
      `SELECT metric, max(ts), arg_max(struct_pack(num := num, bool := bool, text := encode(text)), ts) AS newest
         FROM reading WHERE device = $1 GROUP BY metric ORDER BY metric`,
      [device],
    )
    const found: Record<string, { value: Value; time: number }> = {}
    for (const [metric, time, newest] of result.getRows()) {
      const { num, bool, text } = (newest as { entries: Record<string, unknown> }).entries
      found[metric as string] = { time: time as number, value: storedValue(num, bool, text) }
    }
    return found
  }

  async purge({ device }: LatestQuery): Promise<void> {
    const retry = await this.#transaction(async (connection) => {
      await connection.run('DELETE FROM reading WHERE device = $1', [device])
      await connection.run('DELETE FROM event WHERE device = $1', [device])
    })
    if (retry !== undefined) throw new TidemarkError(retry.code, retry.detail)
    this.#newest.delete(device)
  }

  /** Files that no transaction changes are what a power cut would leave: DuckDB checkpoints only at the end of a commit. */
  hold(): Promise<void> {
    return new Promise((resolve) => {
      const held = (release: () => void) => {
        this.#release = release
        resolve()
        if (!this.#isOpen) release()
      }
      this.#lastTransaction = this.#lastTransaction.then(() => new Promise<void>(held))
    })
  }

  release(): void {
    this.#release()
  }

  /** What runs is interrupted, and what waits is refused: nothing is under way in DuckDB when it resolves. */
  async close(): Promise<void> {
    this.#isOpen = false
    this.#release()
    await ended(this.#lastTransaction, () => this.#writer)
    await this.#disconnect()
  }

  async #connect(): Promise<DuckDBConnection> {
    const { path, memoryLimitMb } = this.#options
    const instance = await duckdb.DuckDBInstance.create(path, {
      memory_limit: `${memoryLimitMb}MB`,
      threads: '2',
    })
    this.#instance = instance
    const writer = await instance.connect()
    await writer.run(schema)
    const newest = await writer.runAndReadAll('SELECT device, max(ts) FROM reading GROUP BY device')
    this.#newest = new Map(newest.getRows().map(([device, ts]) => [device as string, ts as number]))
    this.#reader = await instance.connect()
    this.#writer = writer
    return writer
  }

  /**
   * Not while a transaction runs on the writer. The reader's query is ended first: one whose connection is closed under it frees the
   * connection's state while it holds its lock, and waits for itself for ever (docs/decisions/0023).
   */
  async #disconnect(): Promise<void> {
    const reader = this.#reader
    const writer = this.#writer
    const instance = this.#instance
    this.#reader = undefined
    this.#writer = undefined
    this.#instance = undefined
    await ended(this.#lastRead, () => reader)
    reader?.closeSync()
    writer?.closeSync()
    instance?.closeSync()
  }

  /** The rows to append, the last of each point only, and the points among them that may be stored already. */
  #gather(batches: readonly ReadingBatch[], newest: Map<string, number>) {
    const rows: Columns = { device: [], metric: [], ts: [], num: [], bool: [], text: [] }
    const late = { device: [] as string[], metric: [] as string[], ts: [] as number[] }
    const latePoints = new Map<string, number>()
    const put = (
      device: string,
      metric: string,
      ts: number,
      letter: string,
      value: number,
      text: string | null,
      isLate: boolean,
    ) => {
      let at = rows.device.length
      if (isLate) {
        // Only readings that are not newer than all before them can meet themselves again.
        const point = `${device} ${metric} ${ts}`
        const before = latePoints.get(point)
        if (before === undefined) {
          latePoints.set(point, at)
          late.device.push(device)
          late.metric.push(metric)
          late.ts.push(ts)
        } else at = before
      }
      rows.device[at] = device
      rows.metric[at] = metric
      rows.ts[at] = ts
      rows.num[at] = letter === 'n' ? value : null
      rows.bool[at] = letter === 'b' ? value === 1 : null
      rows.text[at] = letter === 's' ? text : null
    }
    const repeated = timesThatRepeat(batches)
    for (const batch of batches) {
      let at = 0
      for (let row = 0; row < batch.rows; row++) {
        const device = batch.devices[batch.device[row]!]!.id
        const { metrics, types } = batch.shapes[batch.shape[row]!]!
        const ts = batch.time[row]!
        const last = newest.get(device) ?? Number.NEGATIVE_INFINITY
        const isLate =
          ts <= (this.#newest.get(device) ?? Number.NEGATIVE_INFINITY) || repeated.has(`${device} ${ts}`)
        for (let i = 0; i < metrics.length; i++) {
          const value = batch.values[at++]!
          put(
            device,
            metrics[i]!,
            ts,
            types[i]!,
            value,
            types[i] === 's' ? batch.strings[value]! : null,
            isLate,
          )
        }
        if (batch.future[row] === 1) put(device, 'quality', ts, 's', 0, 'future', isLate)
        if (ts > last) newest.set(device, Math.max(ts, this.#newest.get(device) ?? ts))
      }
    }
    return { rows, late }
  }

  /** One transaction after the other: readings and events share the connection, and a statement of one is not of the other. */
  #transaction(
    work: (connection: DuckDBConnection) => Promise<void>,
  ): Promise<Extract<WriteOutcome, { kind: 'retry' }> | undefined> {
    const turn = this.#lastTransaction.then(() => this.#runTransaction(work))
    this.#lastTransaction = turn.catch(() => undefined)
    return turn
  }

  /** Runs `work` in a transaction; what goes wrong is an answer, and leaves nothing behind. */
  async #runTransaction(
    work: (connection: DuckDBConnection) => Promise<void>,
  ): Promise<Extract<WriteOutcome, { kind: 'retry' }> | undefined> {
    if (!this.#isOpen) throw new TidemarkError('TIDEMARK_STORE_ERROR', 'the store is not open')
    try {
      const connection = this.#writer ?? (await this.#connect())
      await connection.run('BEGIN TRANSACTION')
      await work(connection)
      await connection.run('COMMIT')
      return undefined
    } catch (error) {
      const detail = messageOf(error).slice(0, 300)
      // After a checkpoint that found no space DuckDB answers nothing more: the next transaction opens it anew.
      if (this.#writer === undefined || /invalidated|^FATAL/.test(detail)) await this.#disconnect()
      else await this.#writer.run('ROLLBACK').catch(() => undefined)
      return { kind: 'retry', afterMs: retryMs, code: 'TIDEMARK_STORE_ERROR', detail }
    }
  }

  /** One query after the other, as DuckDB runs them on one connection anyway: those that wait hold no thread of the process. */
  #read(sql: string, parameters: DuckDBValue[]): Promise<DuckDBResultReader> {
    const turn = this.#lastRead.then(async () => {
      if (this.#reader === undefined) throw new TidemarkError('TIDEMARK_STORE_QUERY', 'the store is not open')
      return this.#reader.runAndReadAll(sql, parameters)
    })
    this.#lastRead = turn.catch(() => undefined)
    return turn
  }
}

/** Resolves when `work`, which does not reject, has ended: what runs meanwhile on the connection of the moment is interrupted. */
async function ended(work: Promise<unknown>, connection: () => DuckDBConnection | undefined): Promise<void> {
  let isOver = false
  const over = work.then(() => {
    isOver = true
  })
  // A turn, so that what has ended already is not waited for.
  await Promise.race([over, Promise.resolve()])
  while (!isOver) {
    connection()?.interrupt()
    await Promise.race([over, delay(interruptEveryMs)])
  }
}

const aggregateColumns: Readonly<Record<NonNullable<ReadingQuery['fn']>, string>> = {
  mean: 'avg(num), NULL, NULL',
  min: 'min(num), NULL, NULL',
  max: 'max(num), NULL, NULL',
  sum: 'sum(num), NULL, NULL',
  count: 'count(*)::DOUBLE, NULL, NULL',
  last: 'arg_max(num, ts), arg_max(bool, ts), encode(arg_max(text, ts))',
}

/** Rows of a time and a metric. */
function byTime([a, metric]: readonly DuckDBValue[], [b, other]: readonly DuckDBValue[]): number {
  return (a as number) - (b as number) || ((metric as string) < (other as string) ? -1 : 1)
}

/** `device ts` of readings whose time comes again, or comes after a later one, within these batches. */
function timesThatRepeat(batches: readonly ReadingBatch[]): Set<string> {
  const newest = new Map<string, number>()
  const repeated = new Set<string>()
  for (const batch of batches) {
    for (let row = 0; row < batch.rows; row++) {
      const device = batch.devices[batch.device[row]!]!.id
      const ts = batch.time[row]!
      const last = newest.get(device)
      if (last === undefined || ts > last) newest.set(device, ts)
      else repeated.add(`${device} ${ts}`)
    }
  }
  return repeated
}

async function append(
  connection: DuckDBConnection,
  table: string,
  types: Parameters<typeof duckdb.DuckDBDataChunk.create>[0],
  columns: readonly (readonly (string | number | boolean | null)[])[],
): Promise<void> {
  const appender = await connection.createAppender(table)
  const rows = columns[0]!.length
  for (let from = 0; from < rows; from += chunkRows) {
    const chunk = duckdb.DuckDBDataChunk.create(types)
    chunk.setColumns(columns.map((column) => column.slice(from, from + chunkRows)))
    appender.appendDataChunk(chunk)
  }
  appender.closeSync()
}
