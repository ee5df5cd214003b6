import type { Database, RootDatabase } from 'lmdb'
import {
  type Change,
  type FeedTableName,
  feedTableNames,
  type TableName,
  type TableRange,
  tableEncodings,
  tableNames,
} from './log.ts'

const feedTables: ReadonlySet<TableName> = new Set<FeedTableName>(feedTableNames)

/** A row of a feed table, with the revision under which the feed lists it. */
interface FeedRow {
  readonly revision: number
  readonly value: unknown
}

interface FeedEntry {
  readonly table: FeedTableName
  readonly key: string
}

/**
 * Tables, durable offsets and counters in one LMDB environment. The feed of changes is compacted: it lists each row once,
 * under its newest revision, so that it is as long as the tables and a reader that starts from 0 sees all of them.
 */
export class LmdbTables {
  readonly #tables: Readonly<Record<TableName, Database<unknown, string>>>
  readonly #offsets: Database<number, string>
  readonly #counters: Database<number, string>
  readonly #feed: Database<FeedEntry, number>

  constructor(root: RootDatabase) {
    const table = <V>(name: string, encoding: 'json' | 'binary' | 'msgpack' = 'json') =>
      root.openDB<V, string>({ name, encoding }) as Database<V, string>
    this.#tables = Object.fromEntries(
      tableNames.map((name) => [name, table(`table:${name}`, tableEncodings[name])]),
    ) as Record<TableName, Database<unknown, string>>
    this.#offsets = table('offsets')
    this.#counters = table('counters')
    this.#feed = root.openDB<FeedEntry, number>({ name: 'feed', encoding: 'json' }) as Database<
      FeedEntry,
      number
    >
  }

  isFeed(table: TableName): boolean {
    return feedTables.has(table)
  }

  get<V>(table: TableName, key: string): V | undefined {
    const stored = this.#tables[table].get(key)
    return (this.isFeed(table) ? feedValue(stored) : stored) as V | undefined
  }

  put(table: TableName, key: string, value: unknown): void {
    void this.#tables[table].put(
      key,
      this.isFeed(table) ? { revision: this.#revise(table, key), value } : value,
    )
  }

  /** A deleted row of a feed table stays as a row without value, so that the feed can tell of the deletion. */
  remove(table: TableName, key: string): void {
    if (this.isFeed(table)) void this.#tables[table].put(key, { revision: this.#revise(table, key) })
    else void this.#tables[table].remove(key)
  }

  entries<V>(table: TableName, range: TableRange): [string, V][] {
    const found: [string, V][] = []
    const limit = range.limit ?? Number.POSITIVE_INFINITY
    const start = range.after ?? range.from ?? range.prefix
    for (const { key, value } of this.#tables[table].getRange(start === undefined ? {} : { start })) {
      if (found.length >= limit) break
      if (key === range.after) continue
      if (range.prefix !== undefined && !key.startsWith(range.prefix)) {
        if (key > range.prefix) break
        continue
      }
      const plain = this.isFeed(table) ? feedValue(value) : value
      if (plain !== undefined) found.push([key, plain as V])
    }
    return found
  }

  changesSince(revision: number): Change[] {
    const changes: Change[] = []
    for (const { key, value } of this.#feed.getRange({ start: revision + 1 })) {
      changes.push({ revision: key, ...value, value: this.get(value.table, value.key) })
    }
    return changes
  }

  commitOffset(consumer: string, offset: number): void {
    void this.#offsets.put(consumer, offset)
  }

  offset(consumer: string): number {
    return this.#offsets.get(consumer) ?? 0
  }

  offsets(): Record<string, number> {
    return Object.fromEntries([...this.#offsets.getRange()].map(({ key, value }) => [key, value]))
  }

  count(counter: string, by: number): void {
    void this.#counters.put(counter, (this.#counters.get(counter) ?? 0) + by)
  }

  counters(): Record<string, number> {
    return Object.fromEntries([...this.#counters.getRange()].map(({ key, value }) => [key, value]))
  }

  #revise(table: TableName, key: string): number {
    const before = this.#tables[table].get(key) as FeedRow | undefined
    if (before !== undefined) void this.#feed.remove(before.revision)
    let revision = 1
    for (const newest of this.#feed.getKeys({ reverse: true, limit: 1 })) revision = newest + 1
    // The newest row itself may just have been revised: its old place is gone, its revision must not come again.
    if (before !== undefined && before.revision >= revision) revision = before.revision + 1
    void this.#feed.put(revision, { table: table as FeedTableName, key })
    return revision
  }
}

function feedValue(stored: unknown): unknown {
  return (stored as FeedRow | undefined)?.value
}
