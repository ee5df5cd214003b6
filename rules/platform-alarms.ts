import type { Severity } from '../domain/event.ts'
import { type Clock, delay } from '../lib/clock.ts'
import { messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import { counters, type Log } from '../log/log.ts'
import { alarmId, toEvent } from './alarm-events.ts'
import { type AlarmRecord, AlarmTable } from './alarm-table.ts'

/** A figure of the platform that somebody must hear of before it is too late. */
export interface PlatformFigure {
  /** Of the alarm: its rule is `platform:<name>`, which no rule of a user can be called. */
  readonly name: string
  readonly code: `TIDEMARK_${string}`
  readonly severity: Severity
  /** The figure now; undefined where it is not known. */
  readonly value: () => number | undefined
  readonly limit: number
  /** Where it is bad. */
  readonly bad: 'below' | 'above'
  /** What the alarm says. */
  readonly message: (value: number, limit: number) => string
}

export interface PlatformAlarmsOptions {
  readonly log: Pick<Log, 'get' | 'transaction'>
  readonly clock: Clock
  readonly logger: Logger
  readonly figures: readonly PlatformFigure[]
}

/** Subject of the events: a device cannot be called so. */
export const platformSubject = '$platform'
const checkMs = 5_000
/** By how much of its limit a figure must be good again, so that one that stays about there does not chatter. */
const clearMargin = 0.1

/**
 * Alarms of the platform itself, through the events that all alarms go through: whoever hears of a fridge hears of a disk that fills.
 * One transaction has the event and the alarm, so that a crash neither repeats nor forgets it; what stands is known from the table of
 * alarms alone.
 */
export class PlatformAlarms {
  readonly #options: PlatformAlarmsOptions
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: PlatformAlarmsOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.check()
      await delay(checkMs, signal)
    }
  }

  /** Looks at every figure once. What the log refuses is tried again at the next look. */
  async check(): Promise<void> {
    for (const figure of this.#options.figures) {
      try {
        const value = figure.value()
        if (value !== undefined) await this.#judge(figure, value)
      } catch (error) {
        const { code, name } = figure
        this.#options.logger.warn(
          { code, figure: name, detail: messageOf(error) },
          'an alarm could not be told',
        )
      }
    }
  }

  async #judge(figure: PlatformFigure, value: number): Promise<void> {
    const { log, clock, logger } = this.#options
    const { name, code, limit, bad, severity } = figure
    const id = `platform:${name}`
    const kept = log.get<AlarmRecord>('alarms', alarmId(id, platformSubject))
    const standing = kept !== undefined && kept.condition !== 'normal' ? kept : undefined
    const beyond = (of: number) => (bad === 'below' ? value < of : value > of)
    const clearAt = limit * (bad === 'below' ? 1 + clearMargin : 1 - clearMargin)
    if (beyond(standing === undefined ? limit : clearAt) === (standing !== undefined)) return
    const now = clock.now()
    const isRaised = standing === undefined
    const message = figure.message(value, limit)
    const event = toEvent({
      rule: { id, name: message, version: 1, class: 'maintenance', severity, message },
      device: { id: platformSubject, type: 'platform', labels: {} },
      state: isRaised ? 'raised' : 'cleared',
      time: now,
      since: isRaised ? now : Date.parse(standing.since),
      ordinal: isRaised ? 1 : 2,
      recordedAt: now,
      value,
      threshold: limit,
    })
    await log.transaction((tx) => {
      tx.append('events', Buffer.from(JSON.stringify(event)), 1)
      tx.count(counters.events('maintenance', severity, event.data.state), 1)
      new AlarmTable(tx).afterEvent(event)
    })
    if (isRaised) logger.warn({ code, value, limit }, message)
    else logger.info({ code, value, limit }, `no longer: ${standing.message}`)
  }
}
