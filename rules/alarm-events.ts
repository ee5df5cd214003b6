import { createHash } from 'node:crypto'
import type { EventRecord, EventState } from '../domain/event.ts'
import type { Value } from '../domain/profile.ts'
import type { StoredRule } from './rule.ts'

/** An alarm as `GET /alarms` lists it. */
export interface Alarm {
  readonly id: string
  readonly rule: string
  readonly ruleVersion: number
  readonly device: string
  readonly class: string
  readonly severity: string
  readonly condition: 'active' | 'recovering' | 'normal'
  readonly acknowledged: boolean
  readonly since: string
  readonly raisedAt: string
  readonly clearedAt: string | null
  readonly value?: Value
  readonly threshold?: unknown
  readonly message: string
  readonly shelvedUntil: string | null
  readonly comments: readonly unknown[]
}

/** What an event is made of; times are Unix ms. */
export interface EventFacts {
  readonly rule: StoredRule
  readonly device: {
    readonly id: string
    readonly type: string
    readonly labels: Readonly<Record<string, string>>
  }
  readonly state: Extract<EventState, 'raised' | 'cleared'>
  readonly time: number
  readonly since: number
  /** Which transition of the episode this is, from 1. */
  readonly ordinal: number
  readonly recordedAt: number
  readonly receivedAt?: number
  readonly metric?: string
  readonly value?: Value
  readonly threshold?: Value | readonly number[]
  readonly reason?: string
}

export function alarmId(ruleId: string, deviceId: string): string {
  return digest(['alarm', ruleId, deviceId])
}

export function toEvent(facts: EventFacts): EventRecord {
  const { rule, device, state, metric, value, threshold, reason } = facts
  const id = digest([rule.id, rule.version, device.id, facts.since, state, facts.ordinal])
  return {
    specversion: '1.0',
    id,
    source: `/rules/${rule.id}`,
    type: `tidemark.${rule.class}.${state}.v1`,
    subject: device.id,
    time: rfc3339(facts.time),
    datacontenttype: 'application/json',
    data: {
      alarm: alarmId(rule.id, device.id),
      rule: rule.id,
      ruleVersion: rule.version,
      device: device.id,
      deviceType: device.type,
      class: rule.class,
      severity: rule.severity,
      state,
      message:
        reason === undefined ? fillMessage(rule.message, facts) : `${device.id}: ${rule.name}: ${reason}`,
      ...(value === undefined ? {} : { value }),
      ...(threshold === undefined ? {} : { threshold }),
      since: rfc3339(facts.since),
      ...(facts.receivedAt === undefined ? {} : { received: rfc3339(facts.receivedAt) }),
      recorded: rfc3339(facts.recordedAt),
      evidence: metric === undefined || value === undefined ? [] : [{ ts: facts.time, [metric]: value }],
      ...(reason === undefined ? {} : { reason }),
    },
  }
}

/** The alarm after `event`; `before` is what was kept of it. An event that no reading caused keeps value and limit. */
export function alarmAfter(event: EventRecord, before: Alarm | undefined): Alarm {
  const { alarm, rule, ruleVersion, device, severity, state, since, message, reason } = event.data
  const { value, threshold } = reason === undefined ? event.data : (before ?? event.data)
  return {
    id: alarm,
    rule,
    ruleVersion,
    device,
    class: event.data.class,
    severity,
    condition: state === 'cleared' ? 'normal' : 'active',
    acknowledged: false,
    since,
    raisedAt: state === 'cleared' ? (before?.raisedAt ?? since) : event.time,
    clearedAt: state === 'cleared' ? event.time : null,
    ...(value === undefined ? {} : { value }),
    ...(threshold === undefined ? {} : { threshold }),
    message,
    shelvedUntil: null,
    comments: [],
  }
}

/** Replaces `{device} {value} {threshold} {rule}` and the device's labels; a name that is unknown stays as it is. */
function fillMessage(template: string, { rule, device, value, threshold }: EventFacts): string {
  const words = new Map<string, unknown>([
    ...Object.entries(device.labels),
    ['device', device.id],
    ['value', value],
    ['threshold', Array.isArray(threshold) ? threshold.join('–') : threshold],
    ['rule', rule.name],
  ])
  return template.replace(/\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (whole, name: string) =>
    String(words.get(name) ?? whole),
  )
}

function rfc3339(ms: number): string {
  return new Date(ms).toISOString()
}

function digest(parts: readonly (string | number)[]): string {
  return createHash('sha256').update(parts.join('\u0000')).digest('hex').slice(0, 32)
}
