import type { EventRecord, Severity } from '../domain/event.ts'
import type { LogTransaction } from '../log/log.ts'
import type { Alarm } from './alarm-events.ts'

/** An alarm as it is kept: what is listed, and what the next change of it needs to know. */
export interface AlarmRecord extends Alarm {
  readonly deviceType: string
  /** Of the episode, whatever an escalation made of it since. */
  readonly severityHighest: Severity
  /** When `raised` was written, Unix ms: the figures are by recorded time. */
  readonly raisedRecordedMs: number
  /** Events of each kind that people caused so far: ordinals of their ids. They go on where an episode has the start of the one before. */
  readonly acknowledgements: number
  readonly shelvings: number
  /** Place of the episode in the history, once it has ended. */
  readonly historyOrdinal?: number
}

/** An episode that has ended, as `GET /alarm-history` lists it. Times are RFC 3339; all but those of people are event times. */
export interface AlarmEpisode {
  readonly alarm: string
  readonly rule: string
  readonly ruleVersion: number
  readonly device: string
  readonly class: Alarm['class']
  /** Highest reached. */
  readonly severity: Severity
  readonly since: string
  readonly raisedAt: string
  readonly clearedAt: string
  /** From raised to cleared. */
  readonly durationMs: number
  readonly acknowledgedAt: string | null
  readonly acknowledgedBy: string | null
  readonly comments: Alarm['comments']
  /** As last announced while it was up. */
  readonly value?: Alarm['value']
  readonly threshold?: Alarm['threshold']
  readonly message: string
  /** Why it ended, where no reading ended it. */
  readonly reason?: string
}

/** A row of `shelvings`: by the id of its alarm. */
export interface Shelving {
  readonly rule: string
  readonly device: string
  /** Unix ms. */
  readonly until: number
}

/** A row of `alarm-requests`, by the id of its alarm: what the rules engine is asked to do with one that is up. */
export interface AlarmRequest {
  readonly rule: string
  readonly device: string
  readonly action: 'clear'
  /** Name of the token. */
  readonly by: string
  /** Unix ms. */
  readonly at: number
  readonly reason?: string
}

/** Episodes kept; beyond, the oldest go. */
export const historyEpisodesMax = 100_000

/** `meta` key of the number of episodes ever kept. */
const historyEndKey = 'alarm-history-end'

const severityRank: Readonly<Record<Severity, number>> = {
  critical: 4,
  major: 3,
  minor: 2,
  warning: 1,
  info: 0,
}

/**
 * The alarms as the rules engine changes them, inside one transaction: reads there see the state before it, so this
 * remembers what it wrote. One for each transaction.
 */
export class AlarmTable {
  readonly #tx: LogTransaction
  readonly #historyMax: number
  /** Undefined: removed. */
  readonly #written = new Map<string, AlarmRecord | undefined>()
  #historyEnd: number | undefined

  constructor(tx: LogTransaction, historyMax = historyEpisodesMax) {
    this.#tx = tx
    this.#historyMax = historyMax
  }

  /** The alarm after a raised, escalated or cleared event; other events change nothing here. */
  afterEvent(event: EventRecord): void {
    const before = this.#get(event.data.alarm)
    switch (event.data.state) {
      case 'raised':
        return this.#put(this.#raised(event, before))
      case 'escalated':
        return this.#put(escalated(event, before ?? this.#raised(event, undefined)))
      case 'cleared':
        return this.#clear(event, before ?? this.#raised(event, undefined))
    }
  }

  /** Notes that an alarm that is up began or ceased to recover, which is no event. */
  condition(alarmId: string, condition: 'active' | 'recovering'): void {
    const alarm = this.#get(alarmId)
    if (alarm === undefined || alarm.condition === 'normal' || alarm.condition === condition) return
    this.#put({ ...alarm, condition })
  }

  /** Forgets an alarm and what people did with it; for a device that is gone. */
  remove(alarmId: string): void {
    this.#remove(alarmId)
    // A removal is told to those who follow the feed: only of what is there.
    for (const table of ['shelvings', 'alarm-requests'] as const) {
      if (this.#tx.get(table, alarmId) !== undefined) this.#tx.remove(table, alarmId)
    }
  }

  #raised({ time, data }: EventRecord, before: AlarmRecord | undefined): AlarmRecord {
    const {
      alarm: id,
      rule,
      ruleVersion,
      device,
      deviceType,
      severity,
      since,
      value,
      threshold,
      message,
    } = data
    const goesOn = before !== undefined && before.since === since && before.ruleVersion === ruleVersion
    return {
      id,
      rule,
      ruleVersion,
      device,
      deviceType,
      class: data.class,
      severity,
      severityHighest: severity,
      condition: 'active',
      acknowledged: false,
      acknowledgedAt: null,
      acknowledgedBy: null,
      since,
      raisedAt: time,
      raisedRecordedMs: Date.parse(data.recorded),
      clearedAt: null,
      ...(value === undefined ? {} : { value }),
      ...(threshold === undefined ? {} : { threshold }),
      message,
      shelvedUntil: this.#shelvedUntil(id, Date.parse(data.recorded)),
      comments: [],
      acknowledgements: goesOn ? before.acknowledgements : 0,
      shelvings: goesOn ? before.shelvings : 0,
    }
  }

  #clear(event: EventRecord, before: AlarmRecord): void {
    const ordinal = this.#appendHistory(episodeOf(event, before))
    const { severity, message, reason } = event.data
    // An event that no reading caused has neither value nor limit: the last ones stay.
    const { value, threshold } = reason === undefined ? event.data : before
    const { value: _value, threshold: _threshold, ...kept } = before
    const alarm: AlarmRecord = {
      ...kept,
      severity,
      condition: 'normal',
      clearedAt: event.time,
      ...(value === undefined ? {} : { value }),
      ...(threshold === undefined ? {} : { threshold }),
      message,
      historyOrdinal: ordinal,
    }
    if (isListed(alarm, Date.parse(event.data.recorded))) this.#put(alarm)
    else this.#remove(alarm.id)
  }

  /** RFC 3339 end of a shelving that goes on over `nowMs`; one that has ended is removed. */
  #shelvedUntil(alarmId: string, nowMs: number): string | null {
    const shelving = this.#tx.get<Shelving>('shelvings', alarmId)
    if (shelving === undefined) return null
    if (shelving.until > nowMs) return new Date(shelving.until).toISOString()
    this.#tx.remove('shelvings', alarmId)
    return null
  }

  #appendHistory(episode: AlarmEpisode): number {
    const ordinal = this.#historyEnd ?? historyEnd(this.#tx)
    this.#historyEnd = ordinal + 1
    this.#tx.put('alarm-history', historyKey(ordinal), episode)
    this.#tx.put('meta', historyEndKey, ordinal + 1)
    if (ordinal >= this.#historyMax) this.#tx.remove('alarm-history', historyKey(ordinal - this.#historyMax))
    return ordinal
  }

  #get(id: string): AlarmRecord | undefined {
    return this.#written.has(id) ? this.#written.get(id) : this.#tx.get<AlarmRecord>('alarms', id)
  }

  #put(alarm: AlarmRecord): void {
    this.#written.set(alarm.id, alarm)
    this.#tx.put('alarms', alarm.id, alarm)
  }

  #remove(id: string): void {
    this.#written.set(id, undefined)
    this.#tx.remove('alarms', id)
  }
}

/**
 * An alarm is gone once it is normal and acknowledged (ISA-18.2-2009, the state diagram of clause 5); one that is shelved is
 * shown all the same (11.7), so that somebody can end the shelving. A row may outlive that by the time to the next event.
 */
export function isListed(alarm: Alarm, nowMs: number): boolean {
  return alarm.condition !== 'normal' || !alarm.acknowledged || isShelved(alarm, nowMs)
}

export function isShelved({ shelvedUntil }: Alarm, nowMs: number): boolean {
  return shelvedUntil !== null && Date.parse(shelvedUntil) > nowMs
}

/** Number of episodes ever kept: the ordinal of the next. */
export function historyEnd(tables: Pick<LogTransaction, 'get'>): number {
  return tables.get<number>('meta', historyEndKey) ?? 0
}

/** Keys are in the order in which the alarms were cleared, as recorded. */
export function historyKey(ordinal: number): string {
  return String(ordinal).padStart(16, '0')
}

function escalated({ data }: EventRecord, before: AlarmRecord): AlarmRecord {
  const { severity, message, value = before.value, threshold = before.threshold } = data
  const isHigher = severityRank[severity] > severityRank[before.severityHighest]
  return {
    ...before,
    severity,
    severityHighest: isHigher ? severity : before.severityHighest,
    ...(value === undefined ? {} : { value }),
    ...(threshold === undefined ? {} : { threshold }),
    message,
  }
}

function episodeOf({ time, data }: EventRecord, before: AlarmRecord): AlarmEpisode {
  const { value, threshold } = before
  return {
    alarm: before.id,
    rule: before.rule,
    ruleVersion: before.ruleVersion,
    device: before.device,
    class: before.class,
    severity: before.severityHighest,
    since: before.since,
    raisedAt: before.raisedAt,
    clearedAt: time,
    durationMs: Math.max(0, Date.parse(time) - Date.parse(before.raisedAt)),
    acknowledgedAt: before.acknowledgedAt,
    acknowledgedBy: before.acknowledgedBy,
    comments: before.comments,
    ...(value === undefined ? {} : { value }),
    ...(threshold === undefined ? {} : { threshold }),
    message: before.message,
    ...(data.reason === undefined ? {} : { reason: data.reason }),
  }
}
