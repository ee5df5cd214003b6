import { TidemarkError } from '../lib/errors.ts'
import type { ApiClient } from './api-client.ts'
import type { Plan } from './plan.ts'

const askedAtOnce = 8
/** Readings that are ahead of the platform's clock stand among those that a device sent before. */
const readingsAsked = 10

interface StoredReading {
  readonly values: Readonly<Record<string, unknown>>
}

/**
 * Refuses a run that begins before the last reading of one of its devices: rules would take all that it sends for late, so that
 * nothing would be told of it, and `verify` would find the readings of both. Rejects with TIDEMARK_RUN_LATE (exit code 2), or as `api` does.
 */
export async function refuseLate(api: ApiClient, { devices, startMs }: Plan): Promise<void> {
  const known = new Set<string>()
  for await (const { id } of api.items<{ id: string }>('/devices')) known.add(id)
  const left = devices.values()
  let late: string | undefined
  const askNext = async () => {
    for (const { id } of left) {
      if (late !== undefined) return
      if (known.has(id) && (await hasReported(api, id, startMs))) late = id
    }
  }
  await Promise.all(Array.from({ length: askedAtOnce }, askNext))
  if (late === undefined) return
  const start = new Date(startMs).toISOString()
  const message =
    `${late} has reported since ${start}, when this run begins${await untilWhen(api, late)}: rules would take what it sends for late. ` +
    'Name other devices with --prefix, begin after that with --start, use a new platform, or send it all the same with --late'
  throw new TidemarkError('TIDEMARK_RUN_LATE', message, { exitCode: 2 })
}

async function hasReported(api: ApiClient, device: string, fromMs: number): Promise<boolean> {
  const path = `/readings?device=${encodeURIComponent(device)}&from=${fromMs}&limit=${readingsAsked}`
  const { items } = await api.request<{ items: readonly StoredReading[] }>('GET', path)
  return items.some(({ values }) => values.quality !== 'future')
}

/** Nothing where it has a reading ahead of the platform's clock, which hides the newest that rules have seen. */
async function untilWhen(api: ApiClient, device: string): Promise<string> {
  const path = `/devices/${encodeURIComponent(device)}/latest`
  const { values } = await api.request<{ values: Record<string, { time: string }> }>('GET', path)
  if (values.quality !== undefined) return ''
  const newestMs = Math.max(...Object.values(values).map(({ time }) => Date.parse(time)))
  return `, until ${new Date(newestMs).toISOString()}`
}
