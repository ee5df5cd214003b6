import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiClient } from '../../simulators/api-client.ts'
import { type Plan, planRun } from '../../simulators/plan.ts'
import { run } from '../../simulators/run.ts'
import { type Scenario, scenarioSchema } from '../../simulators/scenario.ts'
import { settled } from '../../simulators/score/settled.ts'
import { backfillDiffers } from '../../simulators/transitions.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { scriptedApi } from '../support/scripted-api.ts'
import { newTempDir } from '../support/temp-dir.ts'

interface LiveEvent {
  readonly subject: string
  readonly data: { readonly rule: string; readonly state: string }
}

const doorRule = (id: string) => ({
  id,
  name: id,
  class: 'maintenance',
  severity: 'warning',
  message: '{device}: {value}',
  select: { types: ['fridge'] },
  when: { kind: 'threshold', metric: 'door_open', equals: true },
  for: '5m',
})
/** Sees how warm the others are: what it said live, a test on one device cannot say. */
const peersRule = {
  ...doorRule('warmer-than-others'),
  when: {
    kind: 'peers',
    metric: 'temperature_c',
    by: 'site',
    k: 4,
    minPeers: 2,
    maxAge: '15m',
    minSpread: 0.5,
  },
}
const door = { kind: 'door_left_open', lasts: '30m' }
/** The door of van-1 stands open within its gap, that of van-2 before its gap, that of van-3 without one. */
const scenario: Scenario = scenarioSchema.parse({
  name: 'gaps',
  description: 'for tests',
  length: '3h',
  rules: [doorRule('door'), doorRule('door-edited'), peersRule],
  fleet: [{ name: 'van', model: 'fridge', count: 5, interval: '1m', labels: { site: 'road' } }],
  faults: [
    { ...door, devices: ['van-1', 'van-2'], onset: '1h' },
    { ...door, devices: ['van-3'], onset: '15m' },
    { kind: 'gap', devices: ['van-1'], onset: '55m', lasts: '45m' },
    { kind: 'gap', devices: ['van-2'], onset: '2h', lasts: '10m' },
  ],
})
const planOf = (of: Scenario) =>
  planRun(of, { seed: 1, startMs: Date.UTC(2026, 8, 14, 6), lengthMs: of.length })

describe('with a real platform', () => {
  const dir = newTempDir()
  const plan = planOf(scenario)
  const anyVersion = { 'if-match': '*' }
  let platform: PlatformProcess

  const eventsOf = async (device: string) =>
    (await platform.api.request<{ items: LiveEvent[] }>('GET', `/events?device=${device}&limit=1000`)).items
  const told = async (device: string, rule: string) =>
    (await eventsOf(device)).filter(({ data }) => data.rule === rule).map(({ data }) => data.state)
  /** Takes back what a test did to the rules. */
  const forget = (rule: string) => platform.api.request('DELETE', `/rules/${rule}`, undefined, anyVersion)

  beforeAll(async () => {
    platform = await startPlatformProcess(dir.path, ['--device-rate-max', '0'])
    const { mqttUrl, api } = platform
    const speed = Number.POSITIVE_INFINITY
    const report = await run({ scenario, plan, speed, mqttUrl, api, signal: new AbortController().signal })
    expect(report.acknowledged).toBe(5 * 180)
    expect(await settled(api, 20_000)).toEqual({ isSettled: true, pending: 0 })
  })
  afterAll(async () => {
    await platform?.end('SIGKILL')
    dir.remove()
  })

  test('what came late raised what an uninterrupted link would have: nothing differs', async () => {
    for (const device of ['van-1', 'van-2', 'van-3']) {
      expect(await told(device, 'door')).toEqual(['raised', 'cleared'])
    }
    expect(await backfillDiffers(platform.api, plan)).toBe(0)
  })

  test('what a rule over several devices said live does not count, nor what people do with an alarm', async () => {
    expect(await told('van-2', 'warmer-than-others')).toContain('raised')
    const path = '/alarms?device=van-2&rule=door'
    const { items } = await platform.api.request<{ items: { id: string }[] }>('GET', path)
    await platform.api.request('POST', `/alarms/${encodeURIComponent(items[0]!.id)}:ack`, {})
    await expect.poll(() => told('van-2', 'door')).toEqual(['raised', 'cleared', 'acknowledged'])
    expect(await backfillDiffers(platform.api, plan)).toBe(0)
  })

  test('what should have been told of devices with a gap and was not differs, each transition', async () => {
    await platform.api.request('POST', '/rules', doorRule('door-late'))
    // Raised and cleared, of van-1 and of van-2; van-3 had no gap.
    expect(await backfillDiffers(platform.api, plan)).toBe(4)
    await forget('door-late')
  })

  test('of a rule that was changed what was told differs, and what should have been', async () => {
    const edited = { ...doorRule('door-edited'), for: '10m' }
    await platform.api.request('PUT', '/rules/door-edited', edited, anyVersion)
    expect(await backfillDiffers(platform.api, plan)).toBe(8)
    await forget('door-edited')
  })

  test('rules that are no longer there, or are off, are not asked', async () => {
    await platform.api.request('POST', '/rules', { ...doorRule('door-off'), enabled: false })
    expect(await told('van-1', 'door-edited')).toHaveLength(2)
    expect(await backfillDiffers(platform.api, plan)).toBe(0)
    await forget('door-off')
  })
})

describe('with an API whose lists have pages', () => {
  const plan: Plan = planOf({ ...scenario, faults: scenario.faults.slice(-1) })
  const event = (id: string, rule: string, state = 'raised') => ({
    id,
    subject: 'van-2',
    data: { rule, state },
  })

  /** Answers each list an item a page, and of each rule the transitions that are given. */
  async function scripted(events: object[], tested: Readonly<Record<string, string[]>>): Promise<ApiClient> {
    const rules = Object.keys(tested).map((id) => doorRule(id))
    const pageOf = (items: readonly object[], cursor: string | null) => {
      const at = Number(cursor ?? 0)
      return {
        items: items.slice(at, at + 1),
        nextCursor: at + 1 < items.length ? String(at + 1) : null,
      }
    }
    return scriptedApi(async (request, response) => {
      const { pathname, searchParams } = new URL(request.url!, 'http://localhost')
      let body = ''
      for await (const chunk of request) body += chunk
      const cursor = searchParams.get('cursor')
      const answer = pathname.endsWith('/rules')
        ? pageOf(rules, cursor)
        : pathname.endsWith('/events')
          ? pageOf(searchParams.get('device') === 'van-2' ? events : [], cursor)
          : { transitions: tested[JSON.parse(body).rule.id]!.map((id) => ({ id })) }
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(answer))
    })
  }

  test('it reads every page, of rules and of events', async () => {
    const events = [
      event('a1', 'a'),
      event('b1', 'b'),
      event('b2', 'b', 'cleared'),
      event('b3', 'b', 'escalated'),
    ]
    expect(await backfillDiffers(await scripted(events, { a: ['a1'], b: ['b1', 'b2', 'b3'] }), plan)).toBe(0)
  })

  test('an event that was told twice differs', async () => {
    const events = [event('a1', 'a'), event('a1', 'a')]
    expect(await backfillDiffers(await scripted(events, { a: ['a1'] }), plan)).toBe(1)
  })

  test('an event that is missing differs, and one that nothing explains', async () => {
    const events = [event('a1', 'a'), event('b2', 'b')]
    expect(await backfillDiffers(await scripted(events, { a: ['a1'], b: ['b1'] }), plan)).toBe(2)
    expect(await backfillDiffers(await scripted(events, { a: ['a1'], b: ['b2', 'b3'] }), plan)).toBe(1)
  })
})

test('a plan without a gap asks nobody; one with a gap needs an answer: exit code 3', async () => {
  const nobody = new ApiClient('http://127.0.0.1:9', 'token')
  expect(await backfillDiffers(nobody, planOf({ ...scenario, faults: scenario.faults.slice(0, 2) }))).toBe(0)
  await expect(backfillDiffers(nobody, planOf(scenario))).rejects.toMatchObject({ exitCode: 3 })
})
