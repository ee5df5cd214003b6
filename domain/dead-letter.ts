/** Why a message was not stored. The codes are part of the contract. */
export const deadLetterReasons = [
  'payload.not_json',
  'payload.too_large',
  'payload.too_deep',
  'payload.wrong_shape',
  'metric.bad_name',
  'value.not_finite',
  'value.wrong_type',
  'value.out_of_range',
  'ts.invalid',
  'device.unknown_type',
  'store.rejected',
] as const

export type DeadLetterReason = (typeof deadLetterReasons)[number]
export type DeadLetterStage = 'decode' | 'validate' | 'store'

/** A message that was acknowledged and could not be stored: kept whole, with the reason, to be replayed once mended. */
export interface DeadLetter {
  /** RFC 3339, UTC. */
  readonly receivedAt: string
  readonly device: string
  readonly topic: string
  readonly stage: DeadLetterStage
  readonly reason: DeadLetterReason
  readonly detail: string
  readonly payload: string
  /** `utf8` when the payload is valid UTF-8, else `base64`. */
  readonly encoding: 'utf8' | 'base64'
}
