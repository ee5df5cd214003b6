/**
 * The port of the durable log: the only place where parts meet. Streams of records, named durable offsets, small tables
 * of state, and one transaction over all of them (for `ingress`, which is alone so that the broker waits for nobody,
 * only `append`). Implementations: LMDB (lmdb-log.ts); JetStream for several machines, later.
 *
 * A record holds `count` entries and stands at the offset of its first one, as a batch does in Kafka:
 *
 * | stream       | an entry is | so that                                               |
 * |--------------|-------------|-------------------------------------------------------|
 * | ingress      | a message   | `end` is the number of messages ever acknowledged     |
 * | readings     | a message   | what ingest and storage have yet to do is a difference of offsets |
 * | dead-letters | a message   | the offset is the letter's id                         |
 * | events       | an event    | the offset gives the event's sequence                 |
 * | connections  | a device's connect or disconnect | a position counts changes        |
 * | commands     | a request to a device, or its answer | the offset orders the ids of commands |
 * | audit        | an administrative action | the offset gives the entry's id |
 */
export const streamNames = [
  'ingress',
  'readings',
  'dead-letters',
  'events',
  'connections',
  'commands',
  'audit',
] as const
export type StreamName = (typeof streamNames)[number]

/** A stream that is written inside transactions. */
export type SharedStreamName = Exclude<StreamName, 'ingress'>

/** A stored record. */
export interface LogRecord {
  /** Offset of its first entry. */
  readonly offset: number
  /** Entries in it; the next record stands at `offset + count`. */
  readonly count: number
  readonly value: Buffer
}

/**
 * Tables of state. Those of `feedTableNames` are also a feed of changes (`changesSince`), which is how the other threads
 * learn of a new device, an edited rule, or what somebody did with an alarm.
 */
export const tableNames = [
  'devices',
  'profiles',
  'rules',
  'rule-versions',
  'instances',
  'rule-state',
  'alarms',
  'alarm-history',
  'alarm-requests',
  'shelvings',
  'maintenance-windows',
  'device-clocks',
  'held-readings',
  'windows',
  'metric-types',
  'received-times',
  'analytics',
  'analytics-cells',
  'analytics-minutes',
  'tokens',
  'webhooks',
  'idempotent-answers',
  'webhook-places',
  'dead-deliveries',
  'commands',
  'finished-commands',
  'command-expiries',
  'meta',
] as const
export type TableName = (typeof tableNames)[number]
/** How the values of a table are encoded, where not as JSON: MessagePack takes a third of it for many small objects alike. */
export const tableEncodings: Partial<Readonly<Record<TableName, 'binary' | 'msgpack'>>> = {
  instances: 'msgpack',
  windows: 'binary',
  'analytics-cells': 'binary',
  'analytics-minutes': 'binary',
}
export const feedTableNames = [
  'devices',
  'profiles',
  'rules',
  'shelvings',
  'maintenance-windows',
  'alarm-requests',
] as const satisfies readonly TableName[]
export type FeedTableName = (typeof feedTableNames)[number]

export interface Change {
  /** Rises with each change; pass the last one seen to `changesSince`. */
  readonly revision: number
  readonly table: FeedTableName
  readonly key: string
  /** The value now, or undefined when it was deleted. */
  readonly value: unknown
}

/** Entries of a table by key, from `from` (inclusive; `after` exclusive), at most `limit`. */
export interface TableRange {
  readonly from?: string
  readonly after?: string
  readonly prefix?: string
  readonly limit?: number
}

export interface ReadLimits {
  readonly entriesMax: number
  readonly bytesMax: number
}

/** Everything a transaction may do. Reads see the state before the transaction; writes apply together or not at all. */
export interface LogTransaction {
  /** Appends a record and returns its offset. */
  append(stream: SharedStreamName, value: Uint8Array, count: number): number
  /** Moves a consumer's durable offset: entries below `offset` are done. */
  commitOffset(consumer: string, offset: number): void
  get<V>(table: TableName, key: string): V | undefined
  entries<V>(table: TableName, range?: TableRange): [string, V][]
  put(table: TableName, key: string, value: unknown): void
  remove(table: TableName, key: string): void
  /** Removes one record (a replayed dead letter). False when it is not there. */
  removeRecord(stream: SharedStreamName, offset: number): boolean
  /** Adds to a durable counter. */
  count(counter: string, by: number): void
}

export interface StreamStats {
  readonly start: number
  readonly end: number
  /** Of all records that are kept. */
  readonly bytes: number
  /** Of those that a consumer has yet to read: what the size limit of the log is about. */
  readonly waitingBytes: number
}

export interface LogStats {
  readonly streams: Readonly<Record<StreamName, StreamStats>>
  readonly offsets: Readonly<Record<string, number>>
  readonly counters: Readonly<Record<string, number>>
}

export interface Log {
  /**
   * Appends a group of messages to `ingress`; resolves when it is on disk (fdatasync done) with the offset of the first.
   * Only the broker calls it. Rejects with TIDEMARK_LOG_FULL while what waits for consumers has the size limit, or near the end of the disk, and
   * with TIDEMARK_LOG_WRITE when the disk refuses; nothing is then kept, and the call may be repeated.
   */
  appendIngress(value: Uint8Array, count: number): Promise<number>
  /** Runs `work` under the write lock and resolves when its writes are on disk. When `work` throws, nothing is written. */
  transaction<T>(work: (tx: LogTransaction) => T): Promise<T>
  /** Records from the one that holds `from` on; empty at the end. At least one record, whatever its size. */
  read(stream: StreamName, from: number, limits: ReadLimits): LogRecord[]
  /** Records before `before`, newest first. */
  readBackward(stream: StreamName, before: number, limits: ReadLimits): LogRecord[]
  /** Offset after the last entry. */
  end(stream: StreamName): number
  /** Offset of the first entry that is still kept. */
  start(stream: StreamName): number
  /** Durable offset of a consumer, 0 when it never committed one. */
  offset(consumer: string): number
  get<V>(table: TableName, key: string): V | undefined
  entries<V>(table: TableName, range?: TableRange): [string, V][]
  changesSince(revision: number): Change[]
  /** Resolves when `stream` may hold entries at or after `offset`, the tables changed, or `timeoutMs` passed. */
  waitFor(stream: StreamName, offset: number, timeoutMs: number, signal?: AbortSignal): Promise<void>
  /** Removes records wholly below `offset`; the last record always stays, as it tells where the stream ends. */
  trim(stream: StreamName, offset: number): Promise<void>
  /** Positions, sizes and counters at one moment. */
  stats(): LogStats
  close(): Promise<void>
}

/** Names of the durable offsets. */
export const consumers = {
  ingest: 'ingest',
  storage: 'storage',
  rules: 'rules',
  rulesConnections: 'rules-connections',
  eventStorage: 'event-storage',
  eventDelivery: 'event-delivery',
  analytics: 'analytics',
  webhooks: 'webhooks',
  commandDelivery: 'command-delivery',
} as const

/** Which stream each consumer reads: retention keeps what the slowest still needs. */
export const consumedStream: Readonly<Record<string, StreamName>> = {
  [consumers.ingest]: 'ingress',
  [consumers.storage]: 'readings',
  [consumers.rules]: 'readings',
  [consumers.rulesConnections]: 'connections',
  [consumers.eventStorage]: 'events',
  [consumers.eventDelivery]: 'events',
  [consumers.analytics]: 'readings',
  [consumers.webhooks]: 'events',
  [consumers.commandDelivery]: 'commands',
}

/** Where the slowest consumer of a stream is; undefined where it has none. */
export function slowestOffset(stream: StreamName, offset: (consumer: string) => number): number | undefined {
  const offsets = Object.values(consumers)
    .filter((name) => consumedStream[name] === stream)
    .map(offset)
  return offsets.length === 0 ? undefined : Math.min(...offsets)
}

/** Bytes of all that consumers have yet to read. */
export function waitingBytes(streams: LogStats['streams']): number {
  return Object.values(streams).reduce((sum, stream) => sum + stream.waitingBytes, 0)
}

/** Names of the durable counters. */
export const counters = {
  messagesStored: 'messages.stored',
  readingsStored: 'readings.stored',
  /** One for each reason: `messages.dead-lettered:payload.not_json`. */
  deadLettered: (reason: string) => `messages.dead-lettered:${reason}`,
  events: (eventClass: string, severity: string, state: string) =>
    `events:${eventClass}:${severity}:${state}`,
  ruleEvaluations: 'rules.evaluations',
  repeats: 'readings.repeated',
  /** `delivered`, `failed` (an attempt), `dead`, `dropped` (of the dead ones, the oldest). */
  webhookDeliveries: (outcome: string) => `webhooks:${outcome}`,
  /** Commands that came to a status. */
  commands: (status: string) => `commands:${status}`,
  /** Answers of devices to commands that are not open. */
  commandResponsesIgnored: 'commands.responses-ignored',
} as const
