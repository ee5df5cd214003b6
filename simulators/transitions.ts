import { TidemarkError } from '../lib/errors.ts'
import type { ApiClient } from './api-client.ts'
import type { Plan } from './plan.ts'

interface RuleKept {
  readonly id: string
  readonly select: { readonly types?: readonly string[] }
  readonly when: { readonly kind: string }
}

interface EventPage {
  readonly items: readonly {
    readonly id: string
    readonly type: string
    readonly subject: string
    readonly sequence: string
    readonly data: { readonly rule: string; readonly state: string }
  }[]
  readonly nextCursor: string | null
}

const transitions = new Set(['raised', 'escalated', 'cleared'])
/** Rules over several devices see the others live, and a test on one device would not. */
const overDevices = new Set(['group', 'peers'])
/** So many are tested together: a test has a bound on its readings and its time. */
const devicesOfTestMax = 10

/** Of the devices that had a gap: see `eventsDiffer`. 0 when what came late raised what it should have, and nothing else. */
export function backfillDiffers(api: ApiClient, plan: Plan): Promise<number> {
  const gaps = new Set(plan.truths.filter(({ kind }) => kind === 'gap').map(({ device }) => device))
  return eventsDiffer(api, plan, ({ id }) => gaps.has(id))
}

/**
 * How many transitions of the devices that are asked for differ from those of an uninterrupted platform and link: from what the
 * same rules say of the readings that are stored, in order of their time. An event that was told twice differs. Rejects with
 * TIDEMARK_API_UNREACHABLE (exit code 3) or TIDEMARK_API_ERROR.
 */
export async function eventsDiffer(
  api: ApiClient,
  plan: Plan,
  isAsked: (device: Plan['devices'][number]) => boolean = () => true,
): Promise<number> {
  const devices = plan.devices.filter(isAsked)
  if (devices.length === 0) return 0
  const rules = (await all<RuleKept>(api, '/rules?enabled=true')).filter(
    ({ when }) => !overDevices.has(when.kind),
  )
  const judged = new Set(rules.map(({ id }) => id))
  const told = (await Promise.all(devices.map(({ id }) => liveTransitions(api, id, judged)))).flat()
  const live = new Set(told)
  let differences = told.length - live.size
  for (const rule of rules) {
    const { types = [] } = rule.select
    const selected = devices.filter(({ type }) => types.length === 0 || types.includes(type))
    for (let at = 0; at < selected.length; at += devicesOfTestMax) {
      const ids = selected.slice(at, at + devicesOfTestMax).map(({ id }) => id)
      for (const { id } of await testedTransitions(api, plan, rule, ids)) if (!live.delete(id)) differences++
    }
  }
  return differences + live.size
}

async function testedTransitions(
  api: ApiClient,
  { startMs, endMs }: Plan,
  rule: RuleKept,
  devices: readonly string[],
): Promise<readonly { readonly id: string }[]> {
  const body = { rule, from: startMs, to: endMs, devices }
  const tested = await api.request<{ transitions: readonly { id: string }[]; truncated: boolean }>(
    'POST',
    '/rules:test',
    body,
  )
  if (tested.truncated) {
    const message = `POST /rules:test of ${rule.id} was cut short: too much for a comparison`
    throw new TidemarkError('TIDEMARK_API_ERROR', message)
  }
  return tested.transitions
}

async function liveTransitions(
  api: ApiClient,
  device: string,
  rules: ReadonlySet<string>,
): Promise<string[]> {
  const path = `/events?device=${encodeURIComponent(device)}`
  const events = await all<EventPage['items'][number]>(api, path)
  return events.filter(({ data }) => transitions.has(data.state) && rules.has(data.rule)).map(({ id }) => id)
}

async function all<T>(api: ApiClient, path: string): Promise<T[]> {
  const items: T[] = []
  for await (const item of api.items<T>(path)) items.push(item)
  return items
}
