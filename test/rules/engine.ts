import { expect, onTestFinished, vi } from 'vitest'
import type { DeviceRecord } from '../../domain/device.ts'
import type { EventRecord } from '../../domain/event.ts'
import { TidemarkError } from '../../lib/errors.ts'
import { type Logger, silentLogger } from '../../lib/logger.ts'
import { encodeConnectionChanges } from '../../log/connection-codec.ts'
import { type LmdbLog, openLmdbLog } from '../../log/lmdb-log.ts'
import { consumers, type Log, type TableName } from '../../log/log.ts'
import { encodeReadingBatch } from '../../log/reading-batch-codec.ts'
import { type Alarm, alarmId } from '../../rules/alarm-events.ts'
import type { Rule } from '../../rules/rule.ts'
import { RuleRegistry } from '../../rules/rule-registry.ts'
import { RulesEngine } from '../../rules/rules-engine.ts'
import { tempDir } from '../support/temp-dir.ts'
import { batchOf, fridge, type Given, ruleOf } from './evaluation.ts'

export const minute = 60_000

/** A temperature at a minute of event time. */
export const at = (minutes: number, value: number, device = fridge.id): Given => ({
  ts: minutes * minute,
  values: { temperature_c: value },
  device,
})

const all = { entriesMax: 1e6, bytesMax: 1e9 }

/** A device that was registered when the event time of the tests begins. */
export const deviceOf = (id: string, labels: Readonly<Record<string, string>> = {}): DeviceRecord => ({
  ...fridge,
  id,
  labels,
})

/** Of one engine: when it is killed nothing that it asks of the log is answered any more. */
interface Life {
  isOver: boolean
  commit: Promise<unknown> | undefined
}

/** Tables in which the engine keeps what it knows. */
const ownTables = ['instances', 'windows', 'held-readings', 'device-clocks'] as const satisfies TableName[]

/** A log in a folder and the engine on it; both can be closed and opened again, as a restart does. */
export class Site {
  readonly path = tempDir()
  /** The wall clock. */
  nowMs = 0
  log!: LmdbLog
  rules!: RuleRegistry
  /** Transactions of the engine that the disk is going to refuse: a real one cannot be made to do so on cue. */
  refusals = 0
  /** Transactions refused so far, and those that wait for `refusal` to be. */
  refused = 0
  refusing = 0
  refusal: Promise<void> = Promise.resolve()
  /** Of the next engine: how long it waits to commit what raised no event. As in the platform, but that a test need not wait for it. */
  commitMs = 1
  /** Where the engine last looked for readings: it has evaluated what is before. */
  lookedAt = 0
  /** Groups of readings or connections that the engine was given. */
  groupsRead = 0
  /** Codes of the errors that the engine logged. */
  readonly logged: string[] = []
  /** Transactions that the engine asked for. */
  transactions = 0
  #engine: RulesEngine | undefined
  #life: Life = { isOver: false, commit: undefined }

  static async open(
    rules: Partial<Rule> | readonly Partial<Rule>[] = {},
    devices: readonly DeviceRecord[] = [fridge],
    nowMs = Date.parse('2026-11-23T12:00:00Z'),
  ): Promise<Site> {
    const site = new Site()
    site.nowMs = nowMs
    onTestFinished(() => site.close())
    await site.openLog()
    await site.log.transaction((tx) => {
      for (const device of devices) tx.put('devices', device.id, device)
    })
    for (const rule of [rules].flat()) await site.rules.create(ruleOf(rule))
    site.start()
    return site
  }

  async openLog(): Promise<void> {
    this.log = await openLmdbLog({ path: this.path })
    this.rules = new RuleRegistry(this.log, this.#clock)
  }

  start(): void {
    this.#life = { isOver: false, commit: undefined }
    this.#engine = new RulesEngine({
      pairsMax: 100_000,
      log: this.#mortal(this.#life),
      clock: this.#clock,
      logger: this.#logger,
      commitMs: this.commitMs,
    })
    this.#engine.start()
  }

  async stop(): Promise<void> {
    await this.#engine?.stop()
    this.#engine = undefined
  }

  /** Ends the engine at whatever it is doing: of what it has begun, at most the commit under way still happens. */
  async kill(): Promise<void> {
    this.#life.isOver = true
    // Its loops end where they wait for nothing but time, so that none reads a log that is closed.
    void this.#engine?.stop()
    this.#engine = undefined
    // One that had not come to its writes when it was killed reads no more, and writes nothing.
    await Promise.resolve(this.#life.commit).catch(() => undefined)
  }

  async close(): Promise<void> {
    await this.stop()
    await this.log.close()
  }

  async restart(): Promise<void> {
    await this.close()
    await this.openLog()
    this.start()
  }

  putDevice(device: DeviceRecord): Promise<void> {
    return this.log.transaction((tx) => tx.put('devices', device.id, device))
  }

  removeDevice(id: string): Promise<void> {
    return this.log.transaction((tx) => tx.remove('devices', id))
  }

  /** Appends readings as one record, and waits until the engine is past it. */
  async give(...readings: Given[]): Promise<void> {
    await this.append(...readings)
    await this.caughtUp()
  }

  append(...readings: Given[]): Promise<number> {
    return this.appendAt(undefined, ...readings)
  }

  /** Appends readings that arrived at the wall time `receivedAt`. */
  appendAt(receivedAt: number | undefined, ...readings: Given[]): Promise<number> {
    const batch = batchOf(readings, receivedAt)
    return this.log.transaction((tx) => tx.append('readings', encodeReadingBatch(batch), batch.messages))
  }

  /** Appends readings that arrive now, by the clock of the test, and waits until the engine is past them. */
  async giveNow(...readings: Given[]): Promise<void> {
    await this.appendAt(this.nowMs, ...readings)
    await this.caughtUp()
  }

  /** Appends a connection that came or went. */
  async connect(device: string, online: boolean, atMs: number): Promise<void> {
    const value = encodeConnectionChanges([{ device, online, at: atMs }])
    await this.log.transaction((tx) => tx.append('connections', value, 1))
  }

  /** Waits until the engine has evaluated all readings, whether or not it has committed what came of them. */
  evaluated(): Promise<void> {
    return until(() => expect(this.lookedAt).toBe(this.log.end('readings')))
  }

  async caughtUp(): Promise<void> {
    await until(() => {
      expect(this.log.offset(consumers.rules)).toBe(this.log.end('readings'))
      expect(this.log.offset(consumers.rulesConnections)).toBe(this.log.end('connections'))
    })
  }

  /** Waits until the engine has applied every edit made so far, by a rule made for it and taken away. */
  async caughtUpWithChanges(): Promise<void> {
    const applied = () => this.log.get('meta', 'rule-applied:mark')
    await this.rules.create(ruleOf({ id: 'mark', enabled: false }))
    await until(() => expect(applied()).toBeDefined())
    await this.rules.remove('mark', '*')
    await until(() => expect(applied()).toBeUndefined())
  }

  get events(): EventRecord[] {
    return this.log.read('events', 0, all).map(({ value }) => JSON.parse(value.toString()) as EventRecord)
  }

  /** State, time in minutes and reason of each event. */
  get said(): string[] {
    return this.events.map(({ time, data: { state, reason } }) =>
      [state, Date.parse(time) / minute, ...(reason === undefined ? [] : [reason])].join(' '),
    )
  }

  /** The events, without when the readings came and when the events were written, which are not the evaluation's result. */
  get told() {
    return this.events.map(({ data: { received: _, recorded: __, ...data }, ...event }) => ({
      ...event,
      data,
    }))
  }

  /** What was said of one rule. */
  saidOf(rule: string): string[] {
    const { events, said } = this
    return said.filter((_, i) => events[i]!.data.rule === rule)
  }

  alarm(device = fridge.id, rule = 'too-warm'): Alarm | undefined {
    return this.log.get<Alarm>('alarms', alarmId(rule, device))
  }

  get states(): string[] {
    return this.log
      .entries<{ condition?: string }>('instances')
      .map(([, { condition = 'normal' }]) => condition)
  }

  /** Everything that the engine keeps for evaluation, but what `isLeftOut`, as text that can be compared bit for bit. */
  kept(isLeftOut: (key: string) => boolean = () => false): Record<string, string> {
    const kept: Record<string, string> = {}
    for (const table of ownTables) {
      for (const [key, value] of this.log.entries<unknown>(table)) {
        const text = Buffer.isBuffer(value) ? value.toString('hex') : JSON.stringify(value)
        const name = `${table} ${key.replaceAll('\u0000', '|')}`
        if (!isLeftOut(name)) kept[name] = text
      }
    }
    return kept
  }

  readonly #logger = Object.assign(Object.create(silentLogger) as Logger, {
    error: ({ code }: { readonly code: string }) => void this.logged.push(code),
  })

  readonly #clock = { now: () => this.nowMs }

  /** The log as an engine sees it that may be killed, on a disk that may refuse. */
  #mortal(life: Life): Log {
    const never = () => new Promise<never>(() => undefined)
    return new Proxy<Log>(this.log, {
      get: (log, name) => {
        const member = Reflect.get(log, name, log) as unknown
        if (typeof member !== 'function') return member
        if (name === 'transaction' || name === 'waitFor') {
          return async (...given: unknown[]) => {
            if (life.isOver) return never()
            if (name === 'transaction' && this.refusals > 0) {
              this.refusals--
              this.refusing++
              await this.refusal
              this.refused++
              throw new TidemarkError('TIDEMARK_LOG_WRITE', 'no space left')
            }
            if (name === 'transaction') this.transactions++
            const result = member.apply(log, given) as Promise<unknown>
            if (name === 'transaction') life.commit = result
            const value = await result
            return life.isOver ? never() : value
          }
        }
        return (...given: unknown[]) => {
          if (life.isOver) throw new TidemarkError('TIDEMARK_LOG_WRITE', 'killed')
          const answer = member.apply(log, given) as unknown
          if (name !== 'read') return answer
          if (given[0] === 'readings') this.lookedAt = given[1] as number
          if ((answer as unknown[]).length > 0) this.groupsRead++
          return answer
        }
      },
    })
  }
}

export function until(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 10_000, interval: 5 })
}
