import type { DeadLetter } from '../domain/dead-letter.ts'
import type { Profile, Value } from '../domain/profile.ts'
import type { ApiClient } from './api-client.ts'
import { endMs, epochMs } from './models/model.ts'

/** Clocks of the sender and of the platform may differ by as much. */
const clockDifferenceMsMax = 300_000

/** Messages that the platform must keep as dead letters: so many of each device and reason. */
export class ExpectedLetters {
  readonly #counts = new Map<string, Map<string, number>>()
  #oldestMs = Number.POSITIVE_INFINITY

  /** `sentAt` in Unix ms: older letters are those of another run. */
  add(device: string, reason: string, sentAt: number): void {
    const byDevice = this.#counts.get(reason) ?? new Map<string, number>()
    this.#counts.set(reason, byDevice)
    byDevice.set(device, (byDevice.get(device) ?? 0) + 1)
    this.#oldestMs = Math.min(this.#oldestMs, sentAt)
  }

  /** How many there are, and which of them the platform does not have. */
  async compare(api: ApiClient): Promise<{ found: number; lacking: string[]; missing: number }> {
    const result = { found: 0, lacking: [] as string[], missing: 0 }
    for (const [reason, expected] of this.#counts) {
      const kept = await this.#kept(api, reason, expected)
      for (const [device, count] of expected) {
        const found = Math.min(count, kept.get(device) ?? 0)
        result.found += found
        result.missing += count - found
        if (found < count) result.lacking.push(`missing ${device} ${count - found} dead letters ${reason}`)
      }
    }
    return result
  }

  /** Of all devices in one pass: the platform looks through its letters for each question. */
  async #kept(
    api: ApiClient,
    reason: string,
    expected: ReadonlyMap<string, number>,
  ): Promise<Map<string, number>> {
    const kept = new Map<string, number>()
    const only = expected.size === 1 ? `&device=${encodeURIComponent([...expected.keys()][0]!)}` : ''
    const path = `/dead-letters?reason=${encodeURIComponent(reason)}${only}`
    for await (const { device, receivedAt } of api.items<DeadLetter>(path)) {
      if (Date.parse(receivedAt) < this.#oldestMs - clockDifferenceMsMax) continue
      kept.set(device, (kept.get(device) ?? 0) + 1)
    }
    return kept
  }
}

/** A time that no reading may have: the message goes to the dead letters as `ts.invalid`. */
export function isTimeInvalid(ts: number): boolean {
  return ts < epochMs || ts >= endMs
}

/** Whether a profile refuses one of the values, so that the message goes to the dead letters as `value.out_of_range`. */
export function isOutOfRange(values: Readonly<Record<string, Value>>, profile: Profile | undefined): boolean {
  return Object.entries(values).some(([metric, value]) => {
    const limits = Object.hasOwn(profile?.metrics ?? {}, metric) ? profile?.metrics[metric] : undefined
    if (limits === undefined || typeof value !== 'number') return false
    return (
      value < (limits.min ?? Number.NEGATIVE_INFINITY) || value > (limits.max ?? Number.POSITIVE_INFINITY)
    )
  })
}
