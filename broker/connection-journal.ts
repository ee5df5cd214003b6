import type { ConnectionChange } from '../domain/connection-change.ts'
import { type Backoff, backoff } from '../lib/backoff.ts'
import { type Clock, delay } from '../lib/clock.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import { encodeConnectionChanges } from '../log/connection-codec.ts'
import type { Log } from '../log/log.ts'

export interface ConnectionJournalOptions {
  readonly log: Pick<Log, 'transaction' | 'entries'>
  readonly clock: Clock
  readonly logger: Logger
  /** Changes that may wait for the log before those that a newer one of their device outdates are left out. */
  readonly waitingMax?: number
  /** Longest time that `stop` tries to write what waits. */
  readonly stopMsMax?: number
}

const gatherMs = 50
/** Bounds the time for which a write holds the lock of the environment, and the event loop. */
const changesPerRecordMax = 1_000
/**
 * Rows of `meta` for the devices that the stream last said were online, written with it. The stream itself does not keep that:
 * the connect of a device that stays connected is trimmed once it was read. There is at most one row for each connection.
 */
const onlinePrefix = 'online:'

/** Writes to the stream `connections` when a device's connection comes and goes. Nobody waits for it: changes gather here. */
export class ConnectionJournal {
  readonly #options: ConnectionJournalOptions
  /** In order of time. What is being written stays until it is on disk. */
  readonly #waiting = new Set<ConnectionChange>()
  /** The last waiting change of each device. */
  readonly #newest = new Map<string, ConnectionChange>()
  /** Waiting changes that are not the last of their device, in the order in which they were outdated. */
  readonly #outdated = new Set<ConnectionChange>()
  readonly #retry: Backoff = backoff({ firstMs: 100, maxMs: 5_000 })
  #timer: NodeJS.Timeout | undefined
  #turn: Promise<void> | undefined
  #isStopping = false

  constructor(options: ConnectionJournalOptions) {
    this.#options = options
  }

  /**
   * Writes that the devices which the stream last said were online no longer are: the process that they were connected to is
   * gone. Call before devices can connect. When the log refuses, that comes later, before anything else.
   */
  async start(): Promise<void> {
    for (const [key] of this.#options.log.entries('meta', { prefix: onlinePrefix }))
      this.#add(key.slice(onlinePrefix.length), false)
    while (this.#waiting.size > 0 && (await this.#write()));
    if (this.#waiting.size > 0) this.#writeIn(this.#retryMs())
  }

  /** A device's connection came or went just now. */
  readonly note = (device: string, online: boolean): void => {
    this.#add(device, online)
    this.#writeIn(gatherMs)
  }

  /** Writes what waits. Where the log does not take it in time, the next start makes up for the disconnects. */
  async stop(): Promise<void> {
    const { stopMsMax = 2_000, logger } = this.#options
    this.#isStopping = true
    const ended = new AbortController()
    await Promise.race([this.#writeAll(ended.signal), delay(stopMsMax, ended.signal)])
    ended.abort()
    if (this.#waiting.size > 0)
      logger.error(
        { code: 'TIDEMARK_LOG_WRITE', changes: this.#waiting.size },
        'connections were not written',
      )
  }

  #add(device: string, online: boolean): void {
    const { clock, waitingMax = 10_000 } = this.#options
    const change = { device, online, at: clock.now() }
    const before = this.#newest.get(device)
    if (before !== undefined) this.#outdated.add(before)
    this.#newest.set(device, change)
    this.#waiting.add(change)
    if (this.#waiting.size <= waitingMax) return
    for (const oldest of this.#outdated) {
      this.#forget(oldest)
      break
    }
  }

  #forget(change: ConnectionChange): void {
    this.#waiting.delete(change)
    this.#outdated.delete(change)
    if (this.#newest.get(change.device) === change) this.#newest.delete(change.device)
  }

  #writeIn(ms: number): void {
    if (this.#timer !== undefined || this.#isStopping) return
    this.#timer = setTimeout(() => {
      this.#turn = this.#takeTurn()
    }, ms)
  }

  async #takeTurn(): Promise<void> {
    const isWritten = await this.#write()
    this.#timer = undefined
    if (this.#waiting.size > 0) this.#writeIn(isWritten ? gatherMs : this.#retryMs())
  }

  async #writeAll(ended: AbortSignal): Promise<void> {
    clearTimeout(this.#timer)
    await this.#turn
    while (this.#waiting.size > 0 && !ended.aborted) {
      if (!(await this.#write())) await delay(this.#retryMs(), ended)
    }
  }

  #retryMs(): number {
    return Math.max(gatherMs, this.#retry.next())
  }

  /** Writes the oldest changes as one record; false when the log refused. */
  async #write(): Promise<boolean> {
    const { log, logger } = this.#options
    const changes: ConnectionChange[] = []
    const online = new Map<string, boolean>()
    for (const change of this.#waiting) {
      if (changes.length >= changesPerRecordMax) break
      changes.push(change)
      online.set(change.device, change.online)
    }
    try {
      await log.transaction((tx) => {
        tx.append('connections', encodeConnectionChanges(changes), changes.length)
        for (const [device, isOnline] of online) {
          if (isOnline) tx.put('meta', onlinePrefix + device, true)
          else tx.remove('meta', onlinePrefix + device)
        }
      })
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error
      logger.warn(
        { code: error.code, detail: error.message, changes: this.#waiting.size },
        'connections wait for the log',
      )
      return false
    }
    for (const change of changes) this.#forget(change)
    this.#retry.reset()
    return true
  }
}
