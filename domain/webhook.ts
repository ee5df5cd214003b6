import type { DeliveredEvent, EventClass, EventRecord, Severity } from './event.ts'

/** Where events are sent to, and which; an empty list is no filter. */
export interface Webhook {
  readonly id: string
  readonly url: string
  readonly classes: readonly EventClass[]
  readonly severities: readonly Severity[]
  readonly rules: readonly string[]
}

/** A webhook as it is kept: with what nobody is told. */
export interface WebhookRecord extends Webhook, Omit<WebhookAction, 'kind'> {
  /** Whose action it is; none for one of its own. */
  readonly rule?: string | undefined
}

/** A webhook that belongs to a rule and is sent its events, as it is kept. */
export interface WebhookAction {
  readonly kind: 'webhook'
  readonly url: string
  /** Signs what is sent, so it is kept as it is and not as a hash. */
  readonly secret: string
  /** One for each creation: what is kept of its deliveries is never that of an earlier webhook of the same id. */
  readonly uid: string
  /** Offset in `events` where it began: the end of the stream then. */
  readonly from: number
}

/** An event that could not be delivered to a webhook, whole. */
export interface DeadDelivery {
  /** The event's sequence. */
  readonly id: string
  readonly event: DeliveredEvent
  readonly attempts: number
  /** `age`: it failed for too long; `gone`: the receiver answered 410; `backlog`: the webhook was too far behind. */
  readonly reason: 'age' | 'gone' | 'backlog'
  /** How the last attempt failed. */
  readonly detail: string
  /** RFC 3339. */
  readonly deadAt: string
}

/** Prefix of a secret whose rest is the key in base64 (Standard Webhooks 1.0.0, "Signature scheme"). */
export const webhookSecretPrefix = 'whsec_'
const secretLength = { min: 1, max: 128 } as const
/** 24 to 64 bytes (Standard Webhooks 1.0.0, "Signature scheme"). */
const encodedKey = /^[A-Za-z0-9+/]{32,88}={0,2}$/

export const webhookSecretForm = `${webhookSecretPrefix} and 24 to 64 bytes in base64, or ${secretLength.min} to ${secretLength.max} characters`

export function isWebhookSecret(text: string): boolean {
  if (text.startsWith(webhookSecretPrefix)) return encodedKey.test(text.slice(webhookSecretPrefix.length))
  return text.length >= secretLength.min && text.length <= secretLength.max
}

export function isWanted(
  { classes, severities, rules }: Pick<Webhook, 'classes' | 'severities' | 'rules'>,
  { data }: Pick<EventRecord, 'data'>,
): boolean {
  return (
    (classes.length === 0 || classes.includes(data.class)) &&
    (severities.length === 0 || severities.includes(data.severity)) &&
    (rules.length === 0 || rules.includes(data.rule))
  )
}
