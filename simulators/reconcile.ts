import type { Value } from '../domain/profile.ts'
import type { ApiClient } from './api-client.ts'
import type { Plan } from './plan.ts'
import { settled } from './score/settled.ts'

const askedAtOnce = 8

interface Latest {
  readonly values: Readonly<Record<string, { readonly value: Value; readonly time: string }>>
}

/**
 * How many devices of a run the platform has not the last word of: a newest value that is not what the model says of its
 * time, or is older than the last reading that was due. Rejects with TIDEMARK_API_UNREACHABLE (exit code 3) or TIDEMARK_API_ERROR.
 */
export async function unreconciled(api: ApiClient, plan: Plan, settleMs: number): Promise<number> {
  await settled(api, settleMs)
  const left = plan.devices.values()
  let differing = 0
  const compareNext = async () => {
    for (const device of left) if (!(await isReconciled(api, plan, device))) differing++
  }
  await Promise.all(Array.from({ length: askedAtOnce }, compareNext))
  return differing
}

async function isReconciled(
  api: ApiClient,
  { endMs }: Plan,
  device: Plan['devices'][number],
): Promise<boolean> {
  const { values } = await api.request<Latest>('GET', `/devices/${device.id}/latest`)
  return Object.keys(device.valuesAt(endMs - 1)).every((metric) => {
    const newest = values[metric]
    if (newest === undefined) return false
    const timeMs = Date.parse(newest.time)
    return timeMs >= endMs - device.intervalMs && newest.value === device.valuesAt(timeMs)[metric]
  })
}
