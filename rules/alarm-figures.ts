import { setImmediate as nextTurn } from 'node:timers/promises'
import type { EventRecord, Severity } from '../domain/event.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log, LogRecord } from '../log/log.ts'
import { type AlarmRecord, isListed, isShelved } from './alarm-table.ts'

const minuteMs = 60_000
const tenMinutesMs = 10 * minuteMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** ISA-18.2-2009, 16.5 and EEMUA 191: a flood begins when the rate passes 10 in ten minutes, and ends when it falls below 5. */
const floodBeginsAbove = 10
const floodEndsBelow = 5
/** ISA-18.2-2009, 16.5, "chattering and fleeting alarms": one that comes three times or more within a minute. */
const chatteringRaises = 3
const chatteringMs = minuteMs
/** ISA-18.2-2009, 16.5, "stale alarms": one that stands for more than a day. */
const staleAfterMs = dayMs

/** Events looked back at when nothing is known yet, and raised ones remembered: as many as retention keeps. */
const eventsMax = 100_000
const readLimits = { entriesMax: 500, bytesMax: 2 * 1024 * 1024 }

type BySeverity = Readonly<Record<Severity, number>>

/** What was raised in one period that ends now. */
export interface RaisedFigures {
  readonly raised: number
  readonly perTenMinutes: {
    readonly mean: number
    /** The most in any ten minutes of the period, wherever they begin. */
    readonly highest: number
  }
  /** Alarms (of a rule and device) that chattered. */
  readonly chattering: number
  readonly bySeverity: BySeverity
}

/** The state of the alarm system, after ISA-18.2-2009, 16.5, and EEMUA 191. By recorded time: what an operator saw, and when. */
export interface AlarmFigures {
  readonly standing: number
  readonly standingBySeverity: BySeverity
  readonly unacknowledged: number
  readonly shelved: number
  readonly stale: number
  readonly flood: {
    readonly active: boolean
    /** RFC 3339, null when there is none. */
    readonly since: string | null
    /** Part of the last day that was flood, 0 … 1. */
    readonly share: number
  }
  readonly lastTenMinutes: RaisedFigures
  readonly lastHour: RaisedFigures
  readonly lastDay: RaisedFigures
  /** True when more was raised in the last day than is counted. */
  readonly truncated: boolean
}

interface Raised {
  readonly recordedMs: number
  readonly alarm: string
  readonly severity: Severity
}

/** Follows the stream of events: each is read once, and what is older than a day forgotten. */
export class AlarmFigureMeter {
  readonly #log: Log
  readonly #clock: Clock
  readonly #eventsMax: number
  /** In the order of the stream. */
  #raised: Raised[] = []
  /** Offset of the next event to read; undefined before the first look. */
  #next: number | undefined
  /** Recorded time of the newest raised event that is too many to remember. */
  #cutAtMs = Number.NEGATIVE_INFINITY
  #following: Promise<void> | undefined

  constructor(log: Log, clock: Clock, limits: { readonly eventsMax?: number } = {}) {
    this.#log = log
    this.#clock = clock
    this.#eventsMax = limits.eventsMax ?? eventsMax
  }

  async figures(): Promise<AlarmFigures> {
    // Two at once share one walk through the stream.
    this.#following ??= this.#follow().finally(() => {
      this.#following = undefined
    })
    await this.#following
    const now = this.#clock.now()
    const times = (raised: readonly Raised[]) => raised.map(({ recordedMs }) => recordedMs)
    const within = (lengthMs: number) =>
      this.#raised.filter(({ recordedMs }) => recordedMs > now - lengthMs && recordedMs <= now)
    const lastDay = within(dayMs)
    return {
      ...standingFigures(
        this.#log.entries<AlarmRecord>('alarms').map(([, alarm]) => alarm),
        now,
      ),
      flood: floodFigures(times(lastDay), now),
      lastTenMinutes: raisedFigures(within(tenMinutesMs), tenMinutesMs),
      lastHour: raisedFigures(within(hourMs), hourMs),
      lastDay: raisedFigures(lastDay, dayMs),
      truncated: this.#cutAtMs > now - dayMs,
    }
  }

  async #follow(): Promise<void> {
    if (this.#next === undefined) await this.#lookBack()
    for (;;) {
      const records = this.#log.read('events', this.#next!, readLimits)
      if (records.length === 0) break
      for (const record of records) {
        const raised = raisedOf(record)
        if (raised !== undefined) this.#raised.push(raised)
        this.#next = record.offset + record.count
      }
      await nextTurn()
    }
    this.#forget()
  }

  /** Newest first, to the first event that was recorded over a day ago. */
  async #lookBack(): Promise<void> {
    const end = this.#log.end('events')
    const oldestMs = this.#clock.now() - dayMs
    const found: Raised[] = []
    let before = end
    let looked = 0
    for (let isDone = false; !isDone; ) {
      const records = this.#log.readBackward('events', before, readLimits)
      for (const record of records) {
        const event = eventOf(record)
        const recordedMs = Date.parse(event.data.recorded)
        isDone = recordedMs <= oldestMs || looked >= this.#eventsMax
        if (looked >= this.#eventsMax) this.#cutAtMs = recordedMs
        if (isDone) break
        const raised = raisedIn(event)
        if (raised !== undefined) found.push(raised)
        before = record.offset
        looked++
      }
      if (records.length === 0) {
        isDone = true
        // Retention has taken what came before.
        if (before > 0 && found.length > 0) this.#cutAtMs = found.at(-1)!.recordedMs
      }
      await nextTurn()
    }
    this.#raised = found.reverse()
    this.#next = end
  }

  #forget(): void {
    const oldestMs = this.#clock.now() - dayMs
    let gone = this.#raised.findIndex(({ recordedMs }) => recordedMs > oldestMs)
    if (gone < 0) gone = this.#raised.length
    const tooMany = this.#raised.length - this.#eventsMax
    if (tooMany > gone) {
      gone = tooMany
      this.#cutAtMs = this.#raised[gone - 1]!.recordedMs
    }
    if (gone > 0) this.#raised.splice(0, gone)
  }
}

function eventOf(record: LogRecord): EventRecord {
  return JSON.parse(record.value.toString()) as EventRecord
}

function raisedOf(record: LogRecord): Raised | undefined {
  return raisedIn(eventOf(record))
}

function raisedIn({ data }: EventRecord): Raised | undefined {
  if (data.state !== 'raised') return undefined
  return { recordedMs: Date.parse(data.recorded), alarm: data.alarm, severity: data.severity }
}

function standingFigures(alarms: readonly AlarmRecord[], now: number) {
  const listed = alarms.filter((alarm) => isListed(alarm, now))
  const standing = listed.filter(({ condition }) => condition !== 'normal')
  return {
    standing: standing.length,
    standingBySeverity: bySeverity(standing),
    unacknowledged: listed.filter(({ acknowledged }) => !acknowledged).length,
    shelved: listed.filter((alarm) => isShelved(alarm, now)).length,
    stale: standing.filter(({ raisedRecordedMs }) => now - raisedRecordedMs > staleAfterMs).length,
  }
}

function raisedFigures(raised: readonly Raised[], lengthMs: number): RaisedFigures {
  return {
    raised: raised.length,
    perTenMinutes: {
      mean: raised.length / (lengthMs / tenMinutesMs),
      highest: highestIn(raised, tenMinutesMs),
    },
    chattering: chattering(raised),
    bySeverity: bySeverity(raised),
  }
}

/** The most in (t − `lengthMs`, t] for any t. */
function highestIn(raised: readonly Raised[], lengthMs: number): number {
  const times = sorted(raised.map(({ recordedMs }) => recordedMs))
  let highest = 0
  let first = 0
  for (const [last, time] of times.entries()) {
    while (times[first]! <= time - lengthMs) first++
    highest = Math.max(highest, last - first + 1)
  }
  return highest
}

function chattering(raised: readonly Raised[]): number {
  const timesOf = new Map<string, number[]>()
  for (const { alarm, recordedMs } of raised) {
    const times = timesOf.get(alarm)
    if (times === undefined) timesOf.set(alarm, [recordedMs])
    else times.push(recordedMs)
  }
  return [...timesOf.values()].filter((times) => isChattering(sorted(times))).length
}

function isChattering(times: readonly number[]): boolean {
  for (let at = chatteringRaises - 1; at < times.length; at++) {
    if (times[at]! - times[at - chatteringRaises + 1]! <= chatteringMs) return true
  }
  return false
}

/** The rate at t is what was raised in (t − 10 min, t]: it rises at each alarm, and falls ten minutes after each. */
function floodFigures(raisedTimes: readonly number[], now: number): AlarmFigures['flood'] {
  const times = sorted(raisedTimes)
  let since: number | undefined
  let floodMs = 0
  let expired = 0
  const expireUpTo = (time: number, alarmsSoFar: number) => {
    for (; expired < alarmsSoFar && times[expired]! + tenMinutesMs <= time; expired++) {
      if (since === undefined || alarmsSoFar - expired - 1 >= floodEndsBelow) continue
      floodMs += times[expired]! + tenMinutesMs - since
      since = undefined
    }
  }
  for (const [at, time] of times.entries()) {
    expireUpTo(time, at)
    if (since === undefined && at + 1 - expired > floodBeginsAbove) since = time
  }
  expireUpTo(now, times.length)
  if (since !== undefined) floodMs += now - since
  return {
    active: since !== undefined,
    since: since === undefined ? null : new Date(since).toISOString(),
    share: floodMs / dayMs,
  }
}

function bySeverity(items: readonly { readonly severity: Severity }[]): BySeverity {
  const counts = { critical: 0, major: 0, minor: 0, warning: 0, info: 0 }
  for (const { severity } of items) counts[severity]++
  return counts
}

/** Recorded times stand in order already, but for a clock that was set back. */
function sorted(times: readonly number[]): number[] {
  return [...times].sort((a, b) => a - b)
}
