import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { DeviceRecord } from '../../domain/device.ts'
import type { EventRecord } from '../../domain/event.ts'
import { TidemarkError } from '../../lib/errors.ts'
import { silentLogger } from '../../lib/logger.ts'
import { type LmdbLog, openLmdbLog } from '../../log/lmdb-log.ts'
import { consumers, counters } from '../../log/log.ts'
import { encodeReadingBatch } from '../../log/reading-batch-codec.ts'
import { type Alarm, alarmId } from '../../rules/alarm-events.ts'
import type { Rule } from '../../rules/rule.ts'
import { RuleRegistry } from '../../rules/rule-registry.ts'
import { RulesEngine } from '../../rules/rules-engine.ts'
import { tempDir } from '../support/temp-dir.ts'
import { batchOf, fridge, type Given, ruleOf } from './evaluation.ts'

const minute = 60_000
const at = (minutes: number, value: number, device = fridge.id): Given => ({
  ts: minutes * minute,
  values: { temperature_c: value },
  device,
})
const all = { entriesMax: 1e6, bytesMax: 1e9 }

/** A log in a folder and the engine on it; both can be closed and opened again, as a restart does. */
class Site {
  readonly path = tempDir()
  nowMs = Date.parse('2026-11-23T12:00:00Z')
  log!: LmdbLog
  rules!: RuleRegistry
  #engine: RulesEngine | undefined

  static async open(rule: Partial<Rule> = {}, devices: readonly DeviceRecord[] = [fridge]): Promise<Site> {
    const site = new Site()
    onTestFinished(() => site.close())
    await site.openLog()
    for (const device of devices) await site.putDevice(device)
    await site.rules.create(ruleOf(rule))
    site.start()
    return site
  }

  async openLog(): Promise<void> {
    this.log = await openLmdbLog({ path: this.path })
    this.rules = new RuleRegistry(this.log, this.#clock)
  }

  start(): void {
    this.#engine = new RulesEngine({
      pairsMax: 100_000,
      log: this.log,
      clock: this.#clock,
      logger: silentLogger,
    })
    this.#engine.start()
  }

  async stop(): Promise<void> {
    await this.#engine?.stop()
    this.#engine = undefined
  }

  async close(): Promise<void> {
    await this.stop()
    await this.log.close()
  }

  async restart(): Promise<void> {
    await this.close()
    await this.openLog()
    this.start()
  }

  putDevice(device: DeviceRecord): Promise<void> {
    return this.log.transaction((tx) => tx.put('devices', device.id, device))
  }

  /** Appends readings as one record, and waits until the engine is past it. */
  async give(...readings: Given[]): Promise<void> {
    await this.append(...readings)
    await this.caughtUp()
  }

  append(...readings: Given[]): Promise<number> {
    const batch = batchOf(readings)
    return this.log.transaction((tx) => tx.append('readings', encodeReadingBatch(batch), batch.messages))
  }

  async caughtUp(): Promise<void> {
    await until(() => expect(this.log.offset(consumers.rules)).toBe(this.log.end('readings')))
  }

  get events(): EventRecord[] {
    return this.log.read('events', 0, all).map(({ value }) => JSON.parse(value.toString()) as EventRecord)
  }

  /** State, time in minutes and reason of each event. */
  get said(): string[] {
    return this.events.map(({ time, data: { state, reason } }) =>
      [state, Date.parse(time) / minute, ...(reason === undefined ? [] : [reason])].join(' '),
    )
  }

  alarm(device = fridge.id): Alarm | undefined {
    return this.log.get<Alarm>('alarms', alarmId('too-warm', device))
  }

  get states(): string[] {
    return this.log.entries<{ condition: string }>('rule-state').map(([, { condition }]) => condition)
  }

  readonly #clock = { now: () => this.nowMs }
}

function until(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 10_000, interval: 5 })
}

describe('a group of readings', () => {
  test('leaves events, counters, the alarm and the offset together', async () => {
    const site = await Site.open()
    await site.give(at(1, 7), at(2, 9), at(3, 9.5))
    expect(site.said).toEqual(['raised 2'])
    const { counters: counted } = site.log.stats()
    expect(counted[counters.ruleEvaluations]).toBe(3)
    expect(counted[counters.events('maintenance', 'major', 'raised')]).toBe(1)
    expect(site.events[0]?.data.recorded).toBe('2026-11-23T12:00:00.000Z')
    expect(site.alarm()).toMatchObject({
      rule: 'too-warm',
      device: 'fridge-1',
      condition: 'active',
      raisedAt: '1970-01-01T00:02:00.000Z',
      clearedAt: null,
      value: 9,
      threshold: 8,
      acknowledged: false,
      comments: [],
    })
  })

  test('that raises and clears leaves an alarm that was raised when it was', async () => {
    const site = await Site.open({ for: '1m' })
    await site.give(at(1, 9), at(2, 9), at(3, 7))
    expect(site.said).toEqual(['raised 2', 'cleared 3'])
    expect(site.alarm()).toMatchObject({
      condition: 'normal',
      since: '1970-01-01T00:01:00.000Z',
      raisedAt: '1970-01-01T00:02:00.000Z',
      clearedAt: '1970-01-01T00:03:00.000Z',
    })
  })

  test('of many devices raises one alarm for each', async () => {
    const devices = Array.from({ length: 50 }, (_, i) => ({ ...fridge, id: `fridge-${i}` }))
    const site = await Site.open({}, devices)
    await site.give(...devices.map(({ id }) => at(1, 9, id)))
    expect(new Set(site.events.map(({ subject }) => subject)).size).toBe(50)
    expect(site.log.entries('alarms')).toHaveLength(50)
  })
})

describe('a restart', () => {
  test('in the middle of for raises at the right time, once', async () => {
    const site = await Site.open({ for: '15m' })
    await site.give(at(0, 9), at(14, 9))
    expect(site.said).toEqual([])
    await site.restart()
    await site.give(at(15, 9), at(16, 9))
    await site.restart()
    await site.give(at(17, 9))
    expect(site.said).toEqual(['raised 15'])
    expect(site.events[0]?.data.since).toBe('1970-01-01T00:00:00.000Z')
  })

  test('does not forget how new the newest reading was', async () => {
    const site = await Site.open()
    await site.give(at(10, 7))
    await site.restart()
    await site.give(at(9, 9))
    expect(site.said).toEqual([])
  })

  test('at any point gives the events of an uninterrupted run, with the same ids', async () => {
    const temperatures = [7, 9, 9, 7, 9, 9, 9, 7, 7, 9, 9, 7, 7, 7, 9, 9, 9]
    const rule = { for: '1m', keepFor: '1m' }
    const whole = await Site.open(rule)
    await whole.give(...temperatures.map((value, i) => at(i, value)))
    const broken = await Site.open(rule)
    for (const [i, value] of temperatures.entries()) {
      // Readings that came while the engine was stopped are evaluated when it is back.
      if (i % 3 === 0) await broken.stop()
      await broken.append(at(i, value))
      if (i % 3 === 0) broken.start()
      else if (i % 3 === 1) await broken.restart()
      await broken.caughtUp()
    }
    expect(broken.said).toEqual(whole.said)
    // All but when the readings came, which is not the evaluation's result.
    const evaluated = ({ data: { received: _, ...data }, ...event }: EventRecord) => ({ ...event, data })
    expect(broken.events.map(evaluated)).toEqual(whole.events.map(evaluated))
    expect(whole.said.length).toBeGreaterThan(3)
  })
})

describe('an edit of a rule', () => {
  test('of its words keeps a pending for, and the event is worded anew', async () => {
    const site = await Site.open({ for: '15m' })
    await site.give(at(0, 9), at(14, 9))
    const edit = { name: 'x', message: 'hot', severity: 'critical', labels: { a: 'b' }, for: '15m' } as const
    await site.rules.replace('too-warm', ruleOf(edit), 1)
    await site.give(at(15, 9))
    expect(site.events.map(({ data }) => [data.message, data.severity, data.ruleVersion])).toEqual([
      ['hot', 'critical', 2],
    ])
  })

  test.each([
    ['when', { when: { kind: 'threshold', metric: 'temperature_c', above: 5 } }],
    ['for', { for: '1m' }],
    ['keepFor', { keepFor: '1m' }],
    ['gaps', { gaps: 'reset' }],
    ['select', { select: { types: ['fridge'], labels: {}, devices: [] } }],
  ] as const)('of %s closes its alarms with a reason, also when no readings flow', async (_name, edit) => {
    const site = await Site.open()
    await site.give(at(1, 9), at(2, 9))
    await site.rules.replace('too-warm', ruleOf(edit), '*')
    await until(() => expect(site.said).toEqual(['raised 1', 'cleared 2 rule changed']))
    expect(site.alarm()).toMatchObject({ condition: 'normal' })
    expect(site.states).toEqual([])
  })

  test('starts that rule’s pending again and leaves the others alone', async () => {
    const site = await Site.open({ for: '10m' })
    await site.rules.create(ruleOf({ id: 'other', for: '10m' }))
    await site.give(at(0, 9))
    await site.rules.replace('too-warm', ruleOf({ for: '9m' }), '*')
    await until(() => expect(site.states).toEqual(['pending']))
    await site.give(at(5, 9), at(10, 9), at(14, 9))
    expect(site.events.map(({ time, data }) => [data.rule, Date.parse(time) / minute])).toEqual([
      ['other', 10],
      ['too-warm', 14],
    ])
  })

  test('made while the engine was down is noticed when it is back', async () => {
    const site = await Site.open()
    await site.give(at(1, 9))
    await site.stop()
    await site.rules.replace('too-warm', ruleOf({ for: '1m' }), '*')
    await site.restart()
    await until(() => expect(site.said).toEqual(['raised 1', 'cleared 1 rule changed']))
    await site.restart()
    await site.give(at(2, 7))
    expect(site.said).toHaveLength(2)
  })

  test('that disables it says so; enabled again it starts from nothing', async () => {
    const site = await Site.open()
    await site.give(at(1, 9))
    await site.rules.setEnabled('too-warm', false)
    await until(() => expect(site.said).toEqual(['raised 1', 'cleared 1 rule disabled']))
    await site.give(at(2, 9))
    await site.rules.setEnabled('too-warm', true)
    await site.give(at(3, 9))
    expect(site.said.slice(2)).toEqual(['raised 3'])
    expect(new Set(site.events.map(({ id }) => id)).size).toBe(3)
  })

  test('that deletes it says so; made again its events have other ids', async () => {
    const site = await Site.open()
    await site.give(at(1, 9))
    await site.rules.remove('too-warm', 1)
    await until(() => expect(site.said).toEqual(['raised 1', 'cleared 1 rule deleted']))
    await site.rules.create(ruleOf())
    await site.give(at(1, 9), at(2, 9))
    expect(site.said.slice(2)).toEqual(['raised 1'])
    expect(new Set(site.events.map(({ id }) => id)).size).toBe(3)
  })

  test('closes an alarm with a message that has no hole in it', async () => {
    const site = await Site.open()
    await site.give(at(1, 9))
    await site.rules.setEnabled('too-warm', false)
    await until(() => expect(site.events).toHaveLength(2))
    expect(site.events[1]?.data.message).not.toMatch(/[{}]/)
  })
})

describe('devices', () => {
  test('a new device is evaluated from its first reading on', async () => {
    const site = await Site.open()
    await site.putDevice({ ...fridge, id: 'fridge-2' })
    await site.give(at(1, 9, 'fridge-2'))
    expect(site.said).toEqual(['raised 1'])
  })

  test('an edited label changes the limit of that device', async () => {
    const above = { label: 'max_c', default: 8 }
    const site = await Site.open({ when: { kind: 'threshold', metric: 'temperature_c', above } })
    await site.give(at(1, 7))
    await site.putDevice({ ...fridge, labels: { max_c: '6' } })
    await site.give(at(2, 7))
    expect(site.events.map(({ data }) => data.threshold)).toEqual([6])
  })

  test('an edited label that takes it out of select closes its alarm', async () => {
    const site = await Site.open({ select: { types: [], labels: { site: 'berlin' }, devices: [] } })
    await site.give(at(1, 9))
    await site.putDevice({ ...fridge, labels: { site: 'paris' } })
    await until(() => expect(site.said).toEqual(['raised 1', 'cleared 1 device changed']))
    await site.give(at(2, 9))
    expect(site.alarm()).toMatchObject({ condition: 'normal' })
    expect(site.states).toEqual([])
  })

  test('a deleted device leaves no state; made again it starts from nothing', async () => {
    const site = await Site.open({ for: '5m' })
    await site.give(at(10, 9))
    await site.log.transaction((tx) => tx.remove('devices', fridge.id))
    await until(() => expect([site.states, site.log.entries('device-clocks')]).toEqual([[], []]))
    await site.putDevice(fridge)
    await site.give(at(1, 9), at(6, 9))
    expect(site.said).toEqual(['raised 6'])
  })

  test('one deleted and made again between two looks starts from nothing', async () => {
    const site = await Site.open({ for: '5m' })
    await site.give(at(10, 9))
    await site.stop()
    await site.log.transaction((tx) => tx.remove('devices', fridge.id))
    await site.putDevice({ ...fridge, createdAt: '2026-02-02T00:00:00.000Z' })
    site.start()
    await site.give(at(15, 9))
    expect(site.said).toEqual([])
  })
})

test('the alarm shows that it recovers, and that it does not after all', async () => {
  const site = await Site.open({ keepFor: '5m' })
  await site.give(at(1, 9), at(2, 7))
  expect(site.alarm()).toMatchObject({ condition: 'recovering', clearedAt: null })
  await site.give(at(3, 9))
  expect(site.alarm()).toMatchObject({ condition: 'active' })
  expect(site.said).toEqual(['raised 1'])
})

test('an edit outlives a log that refuses to be written for a while', async () => {
  const site = await Site.open()
  await site.give(at(1, 9))
  await site.stop()
  // The disk refuses the engine's first two commits: a real one cannot be made to do so on cue.
  const { log } = site
  let refusals = 2
  const flaky = new Proxy(log, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown
      if (typeof member !== 'function') return member
      if (name !== 'transaction') return member.bind(target) as unknown
      return (work: never) =>
        refusals-- > 0
          ? Promise.reject(new TidemarkError('TIDEMARK_LOG_WRITE', 'no space left'))
          : target.transaction(work)
    },
  })
  await site.rules.setEnabled('too-warm', false)
  const engine = new RulesEngine({
    pairsMax: 100_000,
    log: flaky,
    clock: { now: () => site.nowMs },
    logger: silentLogger,
  })
  engine.start()
  onTestFinished(() => engine.stop())
  await until(() => expect(site.said).toEqual(['raised 1', 'cleared 1 rule disabled']))
  await site.give(at(2, 9))
  expect(site.said).toHaveLength(2)
})
