import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DispatchState, Job } from '../../simulators/dispatch.ts'
import { type DispatcherOptions, dispatchOnce } from '../../simulators/dispatcher.ts'
import { type Plan, planRun } from '../../simulators/plan.ts'
import { unreconciled } from '../../simulators/reconcile.ts'
import { run } from '../../simulators/run.ts'
import { loadScenario, type Scenario } from '../../simulators/scenario.ts'
import { settled } from '../../simulators/score/settled.ts'
import { scoredRun } from '../../simulators/scored-run.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { newTempDir } from '../support/temp-dir.ts'

const dir = newTempDir()
const settleMs = 20_000
/** A time of its own for each: events of groups are of every run at their time. */
const startMs = {
  streamhealth: Date.UTC(2026, 8, 14, 7, 30),
  warehouse: Date.UTC(2026, 8, 15, 7, 30),
  dispatch: Date.UTC(2026, 8, 17, 7, 30),
} as Readonly<Record<string, number>>
let platform: PlatformProcess

beforeAll(async () => {
  platform = await startPlatformProcess(dir.path, ['--device-rate-max', '0'])
})
afterAll(async () => {
  await platform?.end('SIGKILL')
  dir.remove()
})

const optionsOf = (scenario: Scenario, devices?: number, prefix?: string) => ({
  scenario,
  plan: planRun(scenario, {
    seed: 7,
    startMs: startMs[scenario.name]!,
    lengthMs: scenario.length,
    devices,
    prefix,
  }),
  speed: Number.POSITIVE_INFINITY,
  mqttUrl: platform.mqttUrl,
  api: platform.api,
  signal: new AbortController().signal,
  settleMs,
})
const verdicts = async (scenario: Scenario, devices?: number) => {
  const { score } = await scoredRun(optionsOf(scenario, devices))
  return Object.fromEntries(
    score!.marks.map(({ figure, fault, verdict }) => [
      fault === undefined ? figure : `${figure} ${fault}`,
      verdict,
    ]),
  )
}

test('streamhealth: a region of players that wait is one incident', async () => {
  const whole = loadScenario('streamhealth')
  const [outage, ...transport] = whole.faults
  const sooner = { ...outage!, onset: [180_000, 300_000] as const, lasts: [480_000, 480_000] as const }
  // So many that the 4,000 messages on their way are no more virtual time than its rule waits.
  const scenario = { ...whole, length: 18 * 60_000, faults: [sooner, ...transport] }
  expect(await verdicts(scenario, 1_000)).toEqual({
    'recall cdn_outage': 'ok',
    duplicates: 'ok',
    falseAlarms: 'ok',
    'delayP95S cdn_outage': 'ok',
  })
})

test('warehouse: overlooked orders and picks without one are told of, and the counts agree', async () => {
  const whole = loadScenario('warehouse')
  const [missed, miscount, ...transport] = whole.faults
  const fleet = [{ ...whole.fleet[0]!, count: 6 }]
  const faults = [{ ...missed!, count: 2 }, { ...miscount!, count: 2 }, ...transport]
  const scenario = { ...whole, fleet, faults }
  expect(await verdicts(scenario)).toEqual({
    'recall pick_missed': 'ok',
    'recall miscount': 'ok',
    duplicates: 'ok',
    falseAlarms: 'ok',
    unreconciled: 'ok',
  })
  const { plan } = optionsOf(scenario)
  const withDevice = (changed: Partial<Plan['devices'][number]>): Plan => ({
    ...plan,
    devices: [{ ...plan.devices[0]!, ...changed }, ...plan.devices.slice(1)],
  })
  // One item of one bin, one reading at the end, one device never heard of.
  const oneMore = (timeMs: number) => {
    const values = plan.devices[0]!.valuesAt(timeMs)
    return { ...values, picked_items: (values.picked_items as number) + 1 }
  }
  expect(await unreconciled(platform.api, withDevice({ valuesAt: oneMore }), settleMs)).toBe(1)
  const longer = { ...plan, endMs: plan.endMs + plan.devices[0]!.intervalMs }
  expect(await unreconciled(platform.api, longer, settleMs)).toBe(6)
})

/** The dispatcher's own file, and what it sent; `fails` says before which commands it is ended. */
function dispatcherOf(plan: Plan, file: string, fails: (nth: number) => boolean = () => false) {
  const sent: { technician: string; command: string }[] = []
  const devices = new Set(plan.devices.map(({ id }) => id))
  let nth = 0
  const options: DispatcherOptions = {
    api: platform.api,
    file,
    isOwn: ({ device }) => devices.has(device),
    technicians: plan.devices.filter(({ labels }) => labels.role === 'technician').map(({ id }) => id),
    send: async (technician, command) => {
      if (fails(++nth)) throw new Error('ended here')
      sent.push({ technician, command })
    },
  }
  const jobs = (): Job[] => {
    if (!existsSync(file)) return []
    return Object.values((JSON.parse(readFileSync(file, 'utf8')) as { state: DispatchState }).state.jobs)
  }
  return { options, sent, jobs }
}

test('dispatch: each open door gets one technician; one that is ended before any of its commands sends it to the same one', async () => {
  const whole = loadScenario('dispatch')
  const [some, atOnce, ...transport] = whole.faults
  const scenario = { ...whole, faults: [{ ...some!, count: 4 }, { ...atOnce!, count: 10 }, ...transport] }
  expect(await verdicts(scenario)).toEqual({
    'recall door_left_open': 'ok',
    duplicates: 'ok',
    falseAlarms: 'ok',
    assignedTwice: 'ok',
    unassigned: 'ok',
  })
  const { plan } = optionsOf(scenario)
  const sure = dispatcherOf(plan, join(dir.path, 'sure.json'))
  while ((await dispatchOnce(sure.options)) !== undefined);
  expect(sure.sent).toHaveLength(14)
  expect(new Set(sure.sent.map(({ command }) => command)).size).toBe(14)
  // More doors at once than technicians: somebody had to wait.
  expect(sure.jobs().some(({ assignedMs, raisedMs }) => assignedMs! > raisedMs)).toBe(true)

  const ended = dispatcherOf(plan, join(dir.path, 'ended.json'), (nth) => nth % 2 === 1)
  for (let looks = 0; ended.sent.length < 14 && looks < 100; looks++)
    await dispatchOnce(ended.options).catch(() => undefined)
  expect(ended.jobs()).toEqual(sure.jobs())
  const assignments = (sent: typeof ended.sent) =>
    new Set(sent.map(({ technician, command }) => `${technician} ${command}`))
  expect(assignments(ended.sent)).toEqual(assignments(sure.sent))

  const before = sure.jobs()
  await dispatchOnce(sure.options, '0')
  expect(sure.jobs()).toEqual(before)
  expect(sure.sent).toHaveLength(14)
})

test('the nearest goes, by where he was at the time of the event', async () => {
  const scenario = {
    ...loadScenario('dispatch'),
    length: 3 * 3_600_000,
    pass: [],
  }
  const faults = [
    {
      ...scenario.faults[0]!,
      count: 1,
      onset: [3_600_000, 3_600_000] as const,
      lasts: [1_800_000, 1_800_000] as const,
    },
  ]
  const options = optionsOf({ ...scenario, faults }, undefined, 'near-')
  await run(options)
  await settled(platform.api, settleMs)
  const { options: of, jobs } = dispatcherOf(options.plan, join(dir.path, 'near.json'))
  while ((await dispatchOnce(of)) !== undefined);
  const [job] = jobs()
  const fridge = options.plan.devices.find(({ id }) => id === job!.device)!
  const distanceKm = ({ valuesAt, ...of }: Plan['devices'][number]) => {
    // His last reading until then.
    const reported = [...readingTimes(of)].filter((ts) => ts <= job!.raisedMs).at(-1)!
    const { x_km: x, y_km: y } = valuesAt(reported) as { x_km: number; y_km: number }
    return Math.hypot(x - Number(fridge.labels.x_km), y - Number(fridge.labels.y_km))
  }
  const technicians = options.plan.devices
    .filter(({ labels }) => labels.role === 'technician')
    .sort((a, b) => distanceKm(a) - distanceKm(b))
  expect(job!.technician).toBe(technicians[0]!.id)
})

function* readingTimes({ transmissions }: Pick<Plan['devices'][number], 'transmissions'>) {
  const of = transmissions()
  for (let next = of.next(); !next.done; next = of.next())
    if (next.value.kind === 'reading') yield next.value.reading.ts
}
