import { createHash } from 'node:crypto'
import type { EventClass, EventRecord, EventState, Severity } from '../domain/event.ts'
import { isRuleId } from '../domain/names.ts'
import type { Value } from '../domain/profile.ts'
import type { StoredRule } from './rule.ts'

/** What somebody wrote about an alarm. */
export interface AlarmComment {
  readonly text: string
  /** Name of the token. */
  readonly by: string
  /** RFC 3339. */
  readonly at: string
}

/** An alarm as `GET /alarms` lists it. Times are RFC 3339. */
export interface Alarm {
  readonly id: string
  readonly rule: string
  readonly ruleVersion: number
  readonly device: string
  readonly class: EventClass
  /** As it is now: an escalation changes it. */
  readonly severity: Severity
  readonly condition: 'active' | 'recovering' | 'normal'
  readonly acknowledged: boolean
  readonly acknowledgedAt: string | null
  /** Name of the token. */
  readonly acknowledgedBy: string | null
  readonly since: string
  readonly raisedAt: string
  readonly clearedAt: string | null
  readonly value?: Value
  readonly threshold?: Value | readonly number[]
  readonly message: string
  readonly shelvedUntil: string | null
  readonly comments: readonly AlarmComment[]
}

/** What an event is made of; times are Unix ms. */
export interface EventFacts {
  readonly rule: Pick<StoredRule, 'id' | 'name' | 'version' | 'class' | 'severity' | 'message'>
  /** Or a group of devices: `site=berlin`, with the first type that the rule selects, or none. */
  readonly device: {
    readonly id: string
    readonly type: string
    readonly labels: Readonly<Record<string, string>>
  }
  readonly state: Extract<EventState, 'raised' | 'escalated' | 'cleared'>
  /** The rule's, unless an escalation changed it. */
  readonly severity?: Severity
  readonly time: number
  readonly since: number
  /** Which transition of the episode this is, from 1. */
  readonly ordinal: number
  readonly recordedAt: number
  readonly receivedAt?: number
  readonly metric?: string
  readonly value?: Value
  readonly threshold?: Value | readonly number[]
  /** In place of the row that `metric` and `value` make. */
  readonly evidence?: readonly Readonly<Record<string, Value>>[]
  readonly reason?: string
}

export function alarmId(ruleId: string, deviceId: string): string {
  return digest(['alarm', ruleId, deviceId])
}

/** The same for a repeat, and for nothing else. `since` is Unix ms; `ordinal` counts within the episode. */
export function eventId(
  rule: { readonly id: string; readonly version: number },
  deviceId: string,
  since: number,
  state: EventState,
  ordinal: number,
): string {
  return digest([rule.id, rule.version, deviceId, since, state, ordinal])
}

/** The rule, or the platform itself for what it tells of its own (`platform:disk-free`). */
export function eventSource(ruleId: string): string {
  return isRuleId(ruleId) ? `/rules/${ruleId}` : '/platform'
}

export function toEvent(facts: EventFacts): EventRecord {
  const { rule, device, state, metric, value, threshold, reason } = facts
  const reading = metric === undefined || value === undefined ? [] : [{ ts: facts.time, [metric]: value }]
  return {
    specversion: '1.0',
    id: eventId(rule, device.id, facts.since, state, facts.ordinal),
    source: eventSource(rule.id),
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
      severity: facts.severity ?? rule.severity,
      state,
      message:
        reason === undefined ? fillMessage(rule.message, facts) : `${device.id}: ${rule.name}: ${reason}`,
      ...(value === undefined ? {} : { value }),
      ...(threshold === undefined ? {} : { threshold }),
      since: rfc3339(facts.since),
      ...(facts.receivedAt === undefined ? {} : { received: rfc3339(facts.receivedAt) }),
      recorded: rfc3339(facts.recordedAt),
      evidence: facts.evidence ?? reading,
      ...(reason === undefined ? {} : { reason }),
    },
  }
}

/** Replaces `{device} {value} {threshold} {rule} {severity} {since}` and the device's labels; a name that is unknown stays as it is. */
function fillMessage(
  template: string,
  { rule, device, value, threshold, severity, since }: EventFacts,
): string {
  const words = new Map<string, unknown>([
    ...Object.entries(device.labels),
    ['device', device.id],
    ['value', value],
    ['threshold', Array.isArray(threshold) ? threshold.join('–') : threshold],
    ['rule', rule.name],
    ['severity', severity ?? rule.severity],
    ['since', rfc3339(since)],
  ])
  return template.replace(/\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (whole, name: string) =>
    String(words.get(name) ?? whole),
  )
}

/** Of Unix ms, in UTC. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString()
}

function digest(parts: readonly (string | number)[]): string {
  return createHash('sha256').update(parts.join('\u0000')).digest('hex').slice(0, 32)
}
