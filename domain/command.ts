/**
 * What came of a command, in the order in which it may happen; any may be left out. The last four end it:
 * nothing changes it after that.
 */
export const commandStatuses = [
  'queued',
  'sent',
  'delivered',
  'acknowledged',
  'succeeded',
  'failed',
  'expired',
  'cancelled',
] as const
export type CommandStatus = (typeof commandStatuses)[number]

/** A command to a device, as it is kept. */
export interface CommandRecord {
  /** In order of creation, among those of one device and of all. */
  readonly id: string
  readonly device: string
  readonly name: string
  /** Any JSON, for the device to understand. */
  readonly payload: unknown
  readonly createdBy: string
  /** Unix ms; from then on it is not sent, and no answer counts. */
  readonly expiresAt: number
  readonly status: CommandStatus
  /** When it came to each status that it has had; Unix ms, the last is that of now. */
  readonly history: readonly { readonly status: CommandStatus; readonly at: number }[]
  /** What the device answered last: JSON, or a string where it is none; null without one, and where it is too long to keep. */
  readonly response: unknown
}

/** An entry of the stream `commands`. */
export type CommandEntry =
  | { readonly kind: 'requested'; readonly device: string }
  /** `payload` as it came, read as UTF-8; `at` is Unix ms of the platform's clock. */
  | {
      readonly kind: 'response'
      readonly device: string
      readonly command: string
      readonly payload: string
      readonly at: number
    }

/** Whether `next` may follow `status`: only what comes later, and nothing what has ended. */
export function mayFollow(status: CommandStatus, next: CommandStatus): boolean {
  return !hasEnded(status) && commandStatuses.indexOf(next) > commandStatuses.indexOf(status)
}

export function hasEnded(status: CommandStatus): boolean {
  return commandStatuses.indexOf(status) >= commandStatuses.indexOf('succeeded')
}

/**
 * What the answer of a device says: an object's `status` where it is `acknowledged`, `succeeded` or `failed`. One with another
 * `status` has been given, and what it means is for people to read. Anything else is the result of a command that succeeded, as
 * in ThingsBoard.
 */
export function statusOfResponse(response: unknown): 'acknowledged' | 'succeeded' | 'failed' {
  if (typeof response !== 'object' || response === null || !('status' in response)) return 'succeeded'
  const { status } = response
  return status === 'succeeded' || status === 'failed' ? status : 'acknowledged'
}
