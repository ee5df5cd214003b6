import { delay } from '../lib/clock.ts'
import type { ApiClient } from './api-client.ts'

const everyMs = 5_000
const mebibyte = 2 ** 20

/**
 * Watches how much memory the platform takes, by its own word in `/metrics`, until `signal` aborts; the most, in MiB, or undefined. Where it does
 * not tell what is its own, what is resident stands for it: that has the pages of files in it, which the kernel takes back.
 */
export async function peakMemoryMiB(api: ApiClient, signal: AbortSignal): Promise<number | undefined> {
  let peak: number | undefined
  const asked = api.until(signal)
  while (!signal.aborted) {
    // A platform that is down or older says nothing of its memory; what was seen stands.
    const metrics = await asked.metrics().catch(() => undefined)
    const bytes =
      metrics?.get('tidemark_memory_anonymous_bytes') ?? metrics?.get('process_resident_memory_bytes')
    if (bytes !== undefined) peak = Math.max(peak ?? 0, bytes / mebibyte)
    await delay(everyMs, signal)
  }
  return peak
}
