import {
  type CommandEntry,
  type CommandRecord,
  type CommandStatus,
  mayFollow,
  statusOfResponse,
} from '../domain/command.ts'
import { commandTopic } from '../domain/names.ts'
import type { Clock } from '../lib/clock.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import { isDeeperThan } from '../lib/nesting.ts'
import { decodeCommandEntry } from '../log/command-codec.ts'
import { consume } from '../log/consume.ts'
import { consumers, counters, type Log, type LogRecord, type LogTransaction } from '../log/log.ts'
import { CommandTable, changeStatus } from './command-table.ts'
import { payloadLevelsMax, responseBytesMax } from './limits.ts'

export interface CommandDeliveryOptions {
  readonly log: Log
  readonly clock: Clock
  readonly logger: Logger
  /** Sends to a device at QoS 1; false where it is not connected, has not subscribed, or cannot take it now. */
  readonly send: (
    device: string,
    message: {
      readonly topic: string
      readonly payload: string
      readonly onAcknowledged: () => Promise<void>
    },
  ) => boolean
}

type Response = Extract<CommandEntry, { kind: 'response' }>

const readLimits = { entriesMax: 100, bytesMax: 1024 * 1024 }
const gatherMs = 5
const expiredPerCommitMax = 100
const sweepMs = 1_000

/**
 * The consumer of `commands`: sends commands to devices, at least once until the device has acknowledged, takes their answers, and ends
 * what has expired. What is open is in the table, so nothing of it has to be in memory.
 */
export class CommandDelivery {
  readonly #options: CommandDeliveryOptions
  readonly #table: CommandTable
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #sweptAt = Number.NEGATIVE_INFINITY

  constructor(options: CommandDeliveryOptions) {
    this.#options = options
    this.#table = new CommandTable(options.log)
  }

  start(): void {
    const { log, logger } = this.#options
    this.#running = consume({
      ...{ log, logger, stream: 'commands', consumer: consumers.commandDelivery },
      ...{ limits: readLimits, gatherMs, signal: this.#stopping.signal },
      // Each answer is committed by itself.
      reached: () => log.offset(consumers.commandDelivery),
      process: (records, next) => this.#process(records, next),
      idle: () => this.#expireInTime(),
    })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  /** Sends a device what it has not acknowledged: it has subscribed, is back, or can take more. */
  readonly deliver = (device: string): void => this.#send(device, ['queued', 'sent'])

  #send(device: string, statuses: readonly CommandStatus[]): void {
    if (this.#stopping.signal.aborted) return
    const now = this.#options.clock.now()
    const sent: CommandRecord[] = []
    for (const command of this.#table.open(device)) {
      const { id, status, expiresAt } = command
      if (!statuses.includes(status) || expiresAt <= now) continue
      const topic = commandTopic(device, id)
      const onAcknowledged = () => this.#note([command], 'delivered')
      const isSent = this.#options.send(device, { topic, payload: sentPayload(command), onAcknowledged })
      if (isSent && status === 'queued') sent.push(command)
    }
    if (sent.length > 0) void this.#note(sent, 'sent')
  }

  async #process(records: readonly LogRecord[], next: number): Promise<boolean> {
    const { log } = this.#options
    const requested = new Set<string>()
    let ignored = 0
    const commit = (tx: LogTransaction, offset: number) => {
      tx.commitOffset(consumers.commandDelivery, offset)
      if (ignored > 0) tx.count(counters.commandResponsesIgnored, ignored)
    }
    for (const record of records) {
      const entry = decodeCommandEntry(record.value)
      if (entry.kind === 'requested') {
        requested.add(entry.device)
        continue
      }
      const answer = this.#awaited(entry)
      if (answer === undefined) {
        ignored++
        continue
      }
      // Each in a transaction of its own, which sees what the one before has made of the same command.
      await log.transaction((tx) => {
        const { device, command: id, at } = entry
        if (changeStatus(tx, device, id, answer.status, at, answer.kept) === undefined) ignored++
        commit(tx, record.offset + record.count)
      })
      ignored = 0
    }
    await log.transaction((tx) => commit(tx, next))
    for (const device of requested) this.#send(device, ['queued'])
    await this.#expireInTime()
    return true
  }

  /** What an answer says; undefined where its command is not there, has ended or has come further. */
  #awaited({
    device,
    command: id,
    at,
    payload,
  }: Response): { status: CommandStatus; kept: unknown } | undefined {
    const command = this.#table.find(device, id)
    if (command === undefined || at >= command.expiresAt) return undefined
    const response = responseOf(payload)
    const status = statusOfResponse(response)
    if (!mayFollow(command.status, status)) return undefined
    return { status, kept: Buffer.byteLength(payload) > responseBytesMax ? null : response }
  }

  /** What the log refuses here is noted when it happens again: a command is sent, and acknowledged, more than once. */
  async #note(commands: readonly CommandRecord[], status: CommandStatus): Promise<void> {
    const { log, clock, logger } = this.#options
    try {
      await log.transaction((tx) => {
        for (const { device, id } of commands) changeStatus(tx, device, id, status, clock.now())
      })
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error
      logger.warn({ code: error.code, detail: error.message, status }, 'a status of commands is not kept')
    }
  }

  async #expireInTime(): Promise<void> {
    if (performance.now() - this.#sweptAt < sweepMs) return
    const { log, clock } = this.#options
    const now = clock.now()
    let due: ReturnType<CommandTable['due']>
    do {
      due = this.#table.due(now, expiredPerCommitMax)
      // One commit, and each sees what those before it have made of the same device.
      const expire = ({ device, id }: (typeof due)[number]) =>
        log.transaction((tx) => changeStatus(tx, device, id, 'expired', now))
      await Promise.all(due.map(expire))
    } while (due.length === expiredPerCommitMax)
    this.#sweptAt = performance.now()
  }
}

/** What the device gets; times in Unix ms, as everywhere in MQTT. */
function sentPayload({ id, name, payload, history, expiresAt }: CommandRecord): string {
  return JSON.stringify({ id, name, payload, createdAt: history[0]!.at, expiresAt })
}

/** The text itself where it is no JSON, or nested deeper than what may be kept. */
function responseOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return isDeeperThan(value, payloadLevelsMax) ? text : value
  } catch {
    return text
  }
}
