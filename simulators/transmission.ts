import type { Value } from '../domain/profile.ts'

/** A reading as the device means to send it; `null` is a value that its sensor did not give. */
export interface Reading {
  readonly seq: number
  /** By the device's clock, Unix ms. */
  readonly ts: number
  readonly values: Readonly<Record<string, Value | null>>
}

/**
 * What a device does on its connection, at a virtual time. A reading may be sent twice, late or in another order; what is
 * broken has a `seq` of its own and is acknowledged and dead-lettered (`malformed`) or costs the connection (`oversize`,
 * `wrong-topic`, sent at QoS 0 as the broker never acknowledges them).
 */
export type Transmission = { readonly device: string; readonly dueMs: number } & (
  | { readonly kind: 'reading'; readonly reading: Reading }
  | { readonly kind: 'malformed'; readonly seq: number; readonly payload: string; readonly reason: string }
  | { readonly kind: 'oversize'; readonly bytes: number }
  | { readonly kind: 'wrong-topic'; readonly topic: string; readonly payload: string }
  | { readonly kind: 'reconnect' }
)
