import { expect, test } from 'vitest'
import { planRun } from '../../simulators/plan.ts'
import { type Scenario, scenarioSchema } from '../../simulators/scenario.ts'
import { scheduled } from '../../simulators/schedule.ts'

const startMs = Date.UTC(2026, 10, 2)
const hourMs = 3_600_000

const scenarioOf = (more: object = {}): Scenario =>
  scenarioSchema.parse({
    name: 'plan',
    description: 'for tests',
    length: '6h',
    fleet: [
      { name: 'fridge', model: 'fridge', count: 10, interval: '5m', labels: { site: ['a', 'b'] } },
      { name: 'meter', model: 'water_meter', count: 5, ids: 'home-{n}-water' },
    ],
    ...more,
  })
const planOf = (more: object = {}, options: Partial<Parameters<typeof planRun>[1]> = {}) =>
  planRun(scenarioOf(more), { seed: 1, startMs, lengthMs: 6 * hourMs, ...options })
const sentBy = (plan: ReturnType<typeof planOf>, id: string) => {
  const device = plan.devices.find((one) => one.id === id)!
  const sent = []
  for (const of = device.transmissions(); ; ) {
    const { value, done } = of.next()
    if (done) return sent
    sent.push(value)
  }
}

test('a device reports at its interval through the whole run, from seq 1 on, at a moment of its own', () => {
  const sent = sentBy(planOf(), 'fridge-1')
  expect(sent).toHaveLength(72)
  for (const [i, transmission] of sent.entries()) {
    if (transmission.kind !== 'reading') throw new Error(transmission.kind)
    expect(transmission.reading.seq).toBe(i + 1)
    expect(transmission.dueMs).toBe(sent[0]!.dueMs + i * 300_000)
    expect(transmission.reading.ts).toBe(transmission.dueMs)
  }
  expect(sent[0]!.dueMs).toBeGreaterThanOrEqual(startMs)
  expect(sentBy(planOf(), 'fridge-2')[0]!.dueMs).not.toBe(sent[0]!.dueMs)
})

test('names, labels and numbers: each device in turn', () => {
  const { devices } = planOf()
  expect(devices.slice(0, 3).map(({ id, labels }) => [id, labels.site])).toEqual([
    ['fridge-1', 'a'],
    ['fridge-2', 'b'],
    ['fridge-3', 'a'],
  ])
  expect(devices.at(-1)).toMatchObject({ id: 'home-5-water', type: 'water_meter' })
})

test('another number of devices keeps the proportions, and one of each group', () => {
  const groups = (devices: number) => {
    const ids = planOf({}, { devices }).devices.map(({ id }) => id)
    return [
      ids.filter((id) => id.startsWith('fridge')).length,
      ids.filter((id) => id.startsWith('home')).length,
    ]
  }
  expect(groups(15)).toEqual([10, 5])
  expect(groups(6)).toEqual([4, 2])
  expect(groups(20)).toEqual([13, 7])
  expect(groups(1)).toEqual([1, 1])
})

const faulty = {
  faults: [
    { kind: 'gap', group: 'fridge', count: 3, onset: ['1h', '2h'], lasts: ['10m', '20m'] },
    { kind: 'spike', metric: ['temperature_c', 'flow_l_h'], share: 0.5, severity: [1, 2] },
  ],
}

test('the same seed plans the same; another seed chooses others', () => {
  const { truths } = planOf(faulty)
  expect(planOf(faulty).truths).toEqual(truths)
  const gaps = (seed: number) =>
    planOf(faulty, { seed })
      .truths.filter(({ kind }) => kind === 'gap')
      .map(({ device }) => device)
      .sort()
  expect(gaps(1)).toHaveLength(3)
  expect(new Set([1, 2, 3, 4].map((seed) => String(gaps(seed)))).size).toBeGreaterThan(1)
})

test('more devices change nothing of those that were there: neither faults nor what they send', () => {
  const few = planOf(faulty)
  const more = planOf(faulty, { devices: 40 })
  const known = new Set(few.devices.map(({ id }) => id))
  expect(more.devices.length).toBe(40)
  expect(more.truths.filter(({ device }) => known.has(device))).toEqual(few.truths)
  for (const { id } of few.devices) expect(sentBy(more, id)).toEqual(sentBy(few, id))
})

test('another entry changes no other kind’s faults', () => {
  const { truths } = planOf({ faults: [{ kind: 'drop' }, ...faulty.faults] })
  expect(truths.filter(({ kind }) => kind !== 'drop')).toEqual(planOf(faulty).truths)
})

test('what is drawn lies in its range, and a truth says it', () => {
  for (const truth of planOf(faulty).truths) {
    if (truth.kind === 'gap') {
      expect(truth.onset).toBeGreaterThanOrEqual(startMs + hourMs)
      expect(truth.onset).toBeLessThanOrEqual(startMs + 2 * hourMs)
      expect(truth.end - truth.onset).toBeGreaterThanOrEqual(600_000)
      expect(truth.end - truth.onset).toBeLessThanOrEqual(1_200_000)
    } else {
      expect(truth.metric).toBe(truth.device.startsWith('fridge') ? 'temperature_c' : 'flow_l_h')
      expect(truth.severity).toBeGreaterThanOrEqual(1)
      expect(truth.severity).toBeLessThanOrEqual(2)
      expect(truth.end).toBe(startMs + 6 * hourMs)
    }
    expect(truth.expect).toEqual([])
  }
})

test('a fault that begins after the end is left out and counted', () => {
  const late = { faults: [{ kind: 'gap', count: 2, onset: '7h' }] }
  expect(planOf(late)).toMatchObject({ truths: [], faultsLeftOut: 2 })
})

test('a parameter that the kind does not have is refused', () => {
  const wrong = { faults: [{ kind: 'gap', parameters: { depth: 1 } }] }
  expect(() => planOf(wrong)).toThrow('gap has no parameter depth; it has lost')
})

test('the schedule is in order of time and has everything', () => {
  const plan = planOf(faulty)
  const all = [...scheduled(plan)]
  const own = plan.devices.map(({ id }) => sentBy(plan, id).length)
  expect(all).toHaveLength(own.reduce((sum, count) => sum + count, 0))
  for (let i = 1; i < all.length; i++) expect(all[i]!.dueMs).toBeGreaterThanOrEqual(all[i - 1]!.dueMs)
})

test('what fails together is one truth of its group, and the same fault on each of its devices', () => {
  const together = {
    faults: [{ kind: 'gap', together: 'site', count: 1, onset: ['1h', '3h'], lasts: '30m' }],
  }
  const plan = planOf(together)
  expect(plan.truths).toHaveLength(1)
  const [{ device, onset, end, id }] = plan.truths as [(typeof plan.truths)[number]]
  expect(device).toMatch(/^site=[ab]$/)
  expect(id).toBe(`gap-${device}`)
  for (const { id: fridge, labels } of plan.devices) {
    const inGap = sentBy(plan, fridge).filter(({ dueMs }) => dueMs > onset && dueMs < end)
    if (`site=${labels.site}` === device) expect(inGap).toEqual([])
    else expect(inGap.length).toBeGreaterThan(0)
  }
  expect(planOf(together, { devices: 40 }).truths).toEqual(plan.truths)
})

test('a prefix changes who an entry’s devices are called, and not who they are', () => {
  const faults = [{ kind: 'gap', devices: ['fridge-2'], onset: '1h', lasts: '1h' }]
  expect(planOf({ faults }, { prefix: 'a-' }).truths.map(({ device }) => device)).toEqual(['a-fridge-2'])
})

test('no plan has an id that the platform would refuse, or more devices than can be registered', () => {
  const invalid = expect.objectContaining({ code: 'TIDEMARK_SCENARIO_INVALID', exitCode: 2 })
  expect(() => planOf({}, { prefix: 'p'.repeat(60) })).toThrow(invalid)
  expect(() => planOf({}, { devices: 999_999_999_999 })).toThrow(invalid)
})
