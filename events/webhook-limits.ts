/** What one webhook may take, and for how long it is tried. */
export interface WebhookLimits {
  /** Waits between attempts: exponential with full jitter. */
  readonly firstMs: number
  readonly maxMs: number
  /** An event that has failed for so long is given up. */
  readonly giveUpMs: number
  /** The longest `Retry-After` that is kept. */
  readonly retryAfterMsMax: number
  /** Events that are read and not delivered; with so many the webhook reads no further. */
  readonly openMax: number
  readonly inFlightMax: number
  /** Events from the oldest open one to the end of the stream; beyond, the oldest are given up. */
  readonly backlogMax: number
  /** Dead deliveries that are kept. */
  readonly deadMax: number
}

/** A day, as most senders try; waits are short beside theirs, since an alarm is of little use hours later. */
export const webhookLimits: WebhookLimits = {
  firstMs: 1_000,
  maxMs: 5 * 60_000,
  giveUpMs: 24 * 3_600_000,
  retryAfterMsMax: 10 * 60_000,
  openMax: 1_000,
  inFlightMax: 4,
  // Half of what retention keeps of `events` in any case.
  backlogMax: 50_000,
  deadMax: 1_000,
}
