import type { EventRecord, EventState } from '../domain/event.ts'
import type { Clock } from '../lib/clock.ts'
import type { Act } from '../log/act.ts'
import { counters, type Log, type LogTransaction } from '../log/log.ts'
import { type Alarm, type AlarmComment, eventId, eventSource, rfc3339 } from './alarm-events.ts'
import {
  type AlarmEpisode,
  type AlarmRecord,
  type AlarmRequest,
  historyKey,
  isListed,
  isShelved,
  type Shelving,
} from './alarm-table.ts'

/** Comments on one episode. */
export const commentsMax = 100

export type AlarmActed =
  | { readonly outcome: 'done'; readonly alarm: Alarm }
  | { readonly outcome: 'not_found' }
  /** There is nothing to clear. */
  | { readonly outcome: 'not_up'; readonly alarm: Alarm }
  | { readonly outcome: 'comments_full' }

/**
 * What people do with alarms. Each is one transaction that reads the alarm inside it, so that of two at once the second
 * sees what the first did; one that has nothing left to do changes nothing.
 */
export class AlarmActions {
  readonly #log: Log
  readonly #clock: Clock

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** Says that somebody has seen it (ISA-18.2-2009, clause 5: acknowledge). An alarm that is normal leaves the list with it. */
  acknowledge(id: string, act: Act, comment?: string): Promise<AlarmActed> {
    const { by } = act
    return this.#act(id, (tx, alarm, now) => {
      if (alarm.acknowledged) return done(alarm)
      if (comment !== undefined && alarm.comments.length >= commentsMax) return { outcome: 'comments_full' }
      const acknowledged: AlarmRecord = {
        ...alarm,
        acknowledged: true,
        acknowledgedAt: rfc3339(now),
        acknowledgedBy: by,
        comments:
          comment === undefined
            ? alarm.comments
            : [...alarm.comments, { text: comment, by, at: rfc3339(now) }],
        acknowledgements: alarm.acknowledgements + 1,
      }
      appendEvent(
        tx,
        acknowledged,
        'acknowledged',
        acknowledged.acknowledgements,
        now,
        `acknowledged by ${by}`,
      )
      act.write(tx, 'alarm.acknowledged', id, targetOf(alarm))
      return done(keep(tx, acknowledged, now))
    })
  }

  /** Asks the rules engine to end an alarm that is up: only it may change the state of a rule. */
  clear(id: string, act: Act, reason?: string): Promise<AlarmActed> {
    const { by } = act
    return this.#act(id, (tx, alarm, now) => {
      if (alarm.condition === 'normal') return { outcome: 'not_up', alarm: shown(alarm, now) }
      if (tx.get('alarm-requests', id) === undefined) {
        const request: AlarmRequest = {
          rule: alarm.rule,
          device: alarm.device,
          action: 'clear',
          by,
          at: now,
          ...(reason === undefined ? {} : { reason }),
        }
        tx.put('alarm-requests', id, request)
        act.write(tx, 'alarm.cleared', id, targetOf(alarm))
      }
      return done(alarm)
    })
  }

  /** Silences an alarm until `untilMs` (Unix ms; ISA-18.2-2009, 11.7: shelving has a time at which it ends), or no longer: null. */
  shelve(id: string, act: Act, untilMs: number | null): Promise<AlarmActed> {
    const { by } = act
    return this.#act(id, (tx, alarm, now) => {
      const before = isShelved(alarm, now) ? alarm.shelvedUntil : null
      const shelvedUntil = untilMs === null ? null : rfc3339(untilMs)
      if (shelvedUntil === before) return done(alarm)
      if (untilMs === null) tx.remove('shelvings', id)
      else
        tx.put('shelvings', id, { rule: alarm.rule, device: alarm.device, until: untilMs } satisfies Shelving)
      const shelved: AlarmRecord = { ...alarm, shelvedUntil, shelvings: alarm.shelvings + 1 }
      const reason =
        untilMs === null ? `no longer shelved, by ${by}` : `shelved until ${shelvedUntil} by ${by}`
      appendEvent(tx, shelved, 'shelved', shelved.shelvings, now, reason)
      act.write(tx, 'alarm.shelved', id, { ...targetOf(alarm), until: shelvedUntil })
      return done(keep(tx, shelved, now))
    })
  }

  comment(id: string, act: Act, text: string): Promise<AlarmActed> {
    const { by } = act
    return this.#act(id, (tx, alarm, now) => {
      if (alarm.comments.length >= commentsMax) return { outcome: 'comments_full' }
      const comment: AlarmComment = { text, by, at: rfc3339(now) }
      act.write(tx, 'alarm.commented', id, targetOf(alarm))
      return done(keep(tx, { ...alarm, comments: [...alarm.comments, comment] }, now))
    })
  }

  #act(
    id: string,
    act: (
      tx: LogTransaction,
      alarm: AlarmRecord,
      now: number,
    ) => Exclude<AlarmActed, { outcome: 'done' }> | { outcome: 'done'; alarm: AlarmRecord },
  ): Promise<AlarmActed> {
    return this.#log.transaction((tx): AlarmActed => {
      const now = this.#clock.now()
      const alarm = tx.get<AlarmRecord>('alarms', id)
      if (alarm === undefined || !isListed(alarm, now)) return { outcome: 'not_found' }
      const acted = act(tx, alarm, now)
      return acted.outcome === 'done' ? { outcome: 'done', alarm: shown(acted.alarm, now) } : acted
    })
  }
}

/** An alarm's id says nothing to people. */
function targetOf({ rule, device }: AlarmRecord) {
  return { rule, device }
}

/** The alarm without what only the platform needs; a shelving that has ended is none. */
export function shown(record: AlarmRecord, nowMs: number): Alarm {
  const { deviceType: _t, severityHighest: _s, raisedRecordedMs: _r, historyOrdinal: _h, ...rest } = record
  const { acknowledgements: _a, shelvings: _n, ...alarm } = rest
  return isShelved(alarm, nowMs) ? alarm : { ...alarm, shelvedUntil: null }
}

function done(alarm: AlarmRecord): { outcome: 'done'; alarm: AlarmRecord } {
  return { outcome: 'done', alarm }
}

/** Writes a changed alarm, or takes it out of the list; an episode that has ended learns of it too. */
function keep(tx: LogTransaction, alarm: AlarmRecord, now: number): AlarmRecord {
  if (isListed(alarm, now)) tx.put('alarms', alarm.id, alarm)
  else tx.remove('alarms', alarm.id)
  if (alarm.historyOrdinal === undefined) return alarm
  const key = historyKey(alarm.historyOrdinal)
  const episode = tx.get<AlarmEpisode>('alarm-history', key)
  const { acknowledgedAt, acknowledgedBy, comments } = alarm
  if (episode !== undefined)
    tx.put('alarm-history', key, {
      ...episode,
      acknowledgedAt,
      acknowledgedBy,
      comments,
    } satisfies AlarmEpisode)
  return alarm
}

/** An event of what somebody did: its time is when they did it. */
function appendEvent(
  tx: LogTransaction,
  alarm: AlarmRecord,
  state: Extract<EventState, 'acknowledged' | 'shelved'>,
  ordinal: number,
  now: number,
  reason: string,
): void {
  const rule = { id: alarm.rule, version: alarm.ruleVersion }
  const event: EventRecord = {
    specversion: '1.0',
    id: eventId(rule, alarm.device, Date.parse(alarm.since), state, ordinal),
    source: eventSource(alarm.rule),
    type: `tidemark.${alarm.class}.${state}.v1`,
    subject: alarm.device,
    time: rfc3339(now),
    datacontenttype: 'application/json',
    data: {
      alarm: alarm.id,
      rule: alarm.rule,
      ruleVersion: alarm.ruleVersion,
      device: alarm.device,
      deviceType: alarm.deviceType,
      class: alarm.class,
      severity: alarm.severity,
      state,
      message: `${alarm.device}: ${alarm.rule}: ${reason}`,
      since: alarm.since,
      recorded: rfc3339(now),
      evidence: [],
      reason,
    },
  }
  tx.append('events', Buffer.from(JSON.stringify(event)), 1)
  tx.count(counters.events(alarm.class, alarm.severity, state), 1)
}
