import type { Clock } from '../lib/clock.ts'
import { delay } from '../lib/clock.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import type { TopicCode } from '../log/ingress-codec.ts'
import type { Log } from '../log/log.ts'

/** A connection with messages in the committer. */
export interface CommitTarget {
  /** In ASCII, as it is written to the log. */
  readonly deviceId: string
  /**
   * The message is on disk. Called in order of arrival; `flush` follows in the same tick. `group` is good until then and filled
   * anew after it: who keeps the payload copies it.
   */
  committed(
    messageId: number,
    group: Buffer,
    payloadStart: number,
    payloadEnd: number,
    callback: Acknowledge | undefined,
  ): void
  /** Write the acknowledgements gathered by `committed`. */
  flush(): void
  /** The log refused for longer than the hold: the messages are not on disk, and the connection must end. */
  refused(): void
}

/** Acknowledges a message that aedes handles (QoS 2, commands): called once it is on disk. */
export type Acknowledge = () => void

export interface GroupCommitterOptions {
  readonly log: Pick<Log, 'appendIngress'>
  readonly clock: Clock
  readonly logger: Logger
  /** Longest time to hold acknowledgements while the log refuses. */
  readonly holdMs?: number
  /** Seconds from the first message of a group arriving to its acknowledgement. */
  readonly onCommit?: (seconds: number, messages: number) => void
}

const groupHeaderBytes = 8
const messageHeaderBytes = 6
const groupBytesFirst = 64 * 1024
const groupBytesKept = 512 * 1024
const groupMessagesMax = 16_384
const groupBytesMax = 2 * 1024 * 1024
const retryMs = 100

/** A group being filled: the bytes of its log record, and whom to tell once they are on disk. */
class Group {
  bytes = Buffer.allocUnsafe(groupBytesFirst)
  used = groupHeaderBytes
  readonly targets: CommitTarget[] = []
  readonly messageIds: number[] = []
  readonly payloadStarts: number[] = []
  readonly payloadEnds: number[] = []
  readonly callbacks: (Acknowledge | undefined)[] = []
  /** When its first message came. */
  startedAt = 0

  /** Makes it as new, to be filled again: a buffer for each of hundreds of groups a second would keep the collector busy. */
  clear(): void {
    if (this.bytes.length > groupBytesKept) this.bytes = Buffer.allocUnsafe(groupBytesFirst)
    this.used = groupHeaderBytes
    for (const list of [this.targets, this.messageIds, this.payloadStarts, this.payloadEnds, this.callbacks])
      list.length = 0
  }

  reserve(bytes: number): void {
    if (this.used + bytes <= this.bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.used + bytes))
    this.bytes.copy(larger, 0, 0, this.used)
    this.bytes = larger
  }
}

/**
 * Gathers publishes into groups and acknowledges a group when the log has it on disk. The size of a group adapts to the
 * load by itself: while one commits the next one fills, and a lone message is committed in the same turn of the loop.
 */
export class GroupCommitter {
  readonly #options: GroupCommitterOptions
  #filling = new Group()
  #spare: Group | undefined
  #waiting: Group[] = []
  #committing = false
  #idle: (() => void)[] = []
  #stopping = new AbortController()

  constructor(options: GroupCommitterOptions) {
    this.#options = options
  }

  /** True while so much waits that no socket should be read; `CommitTarget.flush` follows when it is over. */
  get isFull(): boolean {
    return this.#waiting.length > 0
  }

  /** Takes a message whose payload is `source[start, end)`; the bytes are copied at once. A `messageId` of −1 wants no PUBACK. */
  add(
    target: CommitTarget,
    topic: TopicCode,
    source: Buffer,
    start: number,
    end: number,
    messageId: number,
    callback?: Acknowledge,
  ): void {
    const device = target.deviceId
    const payloadBytes = end - start
    const bytes = messageHeaderBytes + device.length + payloadBytes
    if (this.#filling.used + bytes > groupBytesMax || this.#filling.targets.length >= groupMessagesMax)
      this.#seal()
    const group = this.#filling
    if (group.used === groupHeaderBytes) group.startedAt = performance.now()
    group.reserve(bytes)
    let at = group.used
    group.bytes[at] = device.length
    group.bytes[at + 1] = topic
    group.bytes.writeUInt32LE(payloadBytes, at + 2)
    at += messageHeaderBytes
    // For some twenty bytes faster than `write`.
    for (let i = 0; i < device.length; i++) group.bytes[at++] = device.charCodeAt(i)
    source.copy(group.bytes, at, start, end)
    group.used = at + payloadBytes
    group.targets.push(target)
    group.messageIds.push(messageId)
    group.payloadStarts.push(at)
    group.payloadEnds.push(group.used)
    group.callbacks.push(callback)
    if (!this.#committing) {
      this.#committing = true
      setImmediate(() => void this.#commitAll())
    }
  }

  /** Resolves when everything taken so far is on disk or refused. */
  drain(): Promise<void> {
    return this.#committing ? new Promise((resolve) => this.#idle.push(resolve)) : Promise.resolve()
  }

  /** Gives up holding at once. */
  abort(): void {
    this.#stopping.abort()
  }

  #seal(): void {
    this.#waiting.push(this.#filling)
    this.#filling = this.#spare ?? new Group()
    this.#spare = undefined
  }

  async #commitAll(): Promise<void> {
    for (;;) {
      if (this.#waiting.length === 0) {
        if (this.#filling.targets.length === 0) break
        this.#seal()
      }
      const group = this.#waiting.shift()!
      if (await this.#append(group)) this.#acknowledge(group)
      else for (const target of new Set(group.targets)) target.refused()
      group.clear()
      this.#spare = group
    }
    this.#committing = false
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  async #append(group: Group): Promise<boolean> {
    const { log, clock, logger, holdMs = 5_000 } = this.#options
    group.bytes.writeDoubleLE(clock.now(), 0)
    const record = group.bytes.subarray(0, group.used)
    const giveUpAt = group.startedAt + holdMs
    for (let attempt = 0; ; attempt++) {
      try {
        await log.appendIngress(record, group.targets.length)
        return true
      } catch (error) {
        if (!(error instanceof TidemarkError)) throw error
        if (attempt === 0)
          logger.error({ code: error.code, detail: error.message }, 'acknowledgements are held')
        if (performance.now() >= giveUpAt || this.#stopping.signal.aborted) {
          logger.error(
            { code: error.code, messages: group.targets.length },
            'the log refuses; publishers are disconnected',
          )
          return false
        }
        await delay(retryMs, this.#stopping.signal)
      }
    }
  }

  /** [MQTT-4.6.0-2]: acknowledgements leave in the order in which the publishes came, one write for each connection. */
  #acknowledge(group: Group): void {
    const touched = new Set<CommitTarget>()
    const { targets, messageIds, payloadStarts, payloadEnds, callbacks } = group
    for (let i = 0; i < targets.length; i++) {
      const target = targets[i]!
      target.committed(messageIds[i]!, group.bytes, payloadStarts[i]!, payloadEnds[i]!, callbacks[i])
      touched.add(target)
    }
    for (const target of touched) target.flush()
    this.#options.onCommit?.((performance.now() - group.startedAt) / 1000, targets.length)
  }
}
