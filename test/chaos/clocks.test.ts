import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { DeliveredEvent } from '../../domain/event.ts'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import type { Rule } from '../../rules/rule.ts'
import { Evaluation, fridge, ruleOf, storedRule } from '../rules/evaluation.ts'
import {
  type Arrival,
  arrivalsOf,
  changingFaults,
  constantFaults,
  countingOf,
  type DeviceClock,
  hourMs,
  isFuture,
  minuteMs,
  rightClock,
  yearMs,
} from '../support/faulty-clocks.ts'
import { tellFigures } from '../support/figures.ts'
import { settledLedger } from '../support/healthy-client.ts'
import { pages } from '../support/pages.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { anonymousMib } from '../support/process-figures.ts'
import { judgesFigures } from '../support/promises.ts'
import { publishAll } from '../support/publish-all.ts'
import { tempDir } from '../support/temp-dir.ts'

/** R14: devices' clocks that are wrong, step, or meet a leap day raise no false event and take no room. */
const readingsMax = 240
const stepsMax = 10_000
const grownMibMax = 32
const lastTime = Date.UTC(2100, 0, 1) - 1
const [right, beside, faulty] = ['right', 'beside', 'faulty']
/** The devices of the group that is judged together with the faulty one, and of the one that is not. */
const siteOf: Readonly<Record<string, string>> = { [right]: 'a', [beside]: 'a', [faulty]: 'b', other: 'b' }
/** A Monday without anything of note. */
const ordinary = Date.UTC(2027, 4, 10, 6)

const warm = { kind: 'threshold', metric: 'temperature_c', above: 8 } as const
const open = { kind: 'threshold', metric: 'door_open', equals: true } as const

const rules: readonly (Partial<Rule> & { readonly id: string })[] = [
  { id: 'warm', when: warm, for: '3m', keepFor: '2m', escalate: [{ after: '10m', severity: 'critical' }] },
  {
    id: 'mean',
    when: { kind: 'aggregate', metric: 'temperature_c', fn: 'mean', window: '10m', above: 8, minCount: 1 },
  },
  { id: 'rise', when: { kind: 'rate', metric: 'temperature_c', per: '1m', above: 0.6 } },
  { id: 'share', when: { kind: 'share', of: warm, window: '1h', above: 0.3 } },
  { id: 'total', when: { kind: 'cumulative', of: open, longerThan: '5m', reset: warm } },
  { id: 'silent', when: { kind: 'absence', longerThan: '5m' } },
  {
    id: 'missing',
    when: { kind: 'absence', metric: 'temperature_c', longerThan: { intervals: 4 } },
    for: '2m',
  },
  { id: 'opened', when: { kind: 'sequence', steps: [{ when: open }, { when: warm, within: '5m' }] } },
  { id: 'site', when: { kind: 'group', of: warm, by: 'site', atLeast: 2 }, for: '2m' },
]
const waiting: typeof rules = [
  { id: 'late', when: warm, for: '3m', wait: '2m' },
  {
    id: 'late-mean',
    when: { kind: 'aggregate', metric: 'temperature_c', fn: 'max', window: '10m', above: 9, minCount: 1 },
    wait: '2m',
  },
]
const waitMs = 2 * minuteMs

describe('virtual time', () => {
  const undisturbed = arrivalsAt(ordinary, rightClock)
  const usualLines = linesOf(eventsOf([...rules, ...waiting], undisturbed), ordinary)

  test.each(Object.entries(changingFaults))(
    'a clock that is %s: its own events are those of the readings that count, and all others those of right clocks',
    (_name, clock) => {
      const given = arrivalsAt(ordinary, clock)
      const events = [...eventsOf(rules, given), ...eventsOf(waiting, given)]
      const counting = [
        ...eventsOf(rules, countingOf(given, 0), given),
        ...eventsOf(waiting, countingOf(given, waitMs), given),
      ]
      expect(events).toEqual(counting)
      const others = withoutFaulty([...eventsOf(rules, undisturbed), ...eventsOf(waiting, undisturbed)])
      expect(withoutFaulty(events)).toEqual(others)
      for (const { id } of [...rules, ...waiting].filter(({ when }) => when!.kind !== 'absence'))
        expect(new Set(others.map(({ rule }) => rule))).toContain(id)
    },
  )

  test.each(Object.entries(constantFaults))(
    'a clock that is always %s: the events of a right one, at its own times',
    (_name, offsetMs) => {
      // Alone: what judges devices together has one time for them.
      const those = [...rules.filter(({ id }) => id !== 'site'), ...waiting]
      const usual = eventsOf(those, undisturbed)
      const events = eventsOf(
        those,
        arrivalsAt(ordinary, (at) => at + offsetMs),
      )
      expect(withoutFaulty(events)).toEqual(withoutFaulty(usual))
      expect(linesOf(events, offsetMs)).toEqual(linesOf(usual, 0))
      expect(linesOf(events, offsetMs).length).toBeGreaterThan(30)
    },
  )

  test.each([
    ['28 to 29 February 2028', Date.UTC(2028, 1, 28, 22)],
    ['29 February to 1 March 2028', Date.UTC(2028, 1, 29, 22)],
    ['28 February to 1 March 2100 less a year', Date.UTC(2099, 1, 28, 22)],
    ['the start of daylight saving in Berlin', Date.UTC(2026, 2, 28, 23)],
    ['its end', Date.UTC(2026, 9, 24, 23)],
    ['the second in which 32 bits end', 2 ** 31 * 1_000 - 2 * hourMs],
    ['the first reading that there may be', Date.UTC(2000, 0, 1)],
    ['the last one', Date.UTC(2100, 0, 1) - readingsMax * minuteMs],
  ])('%s: the events of an ordinary day', (_name, from) => {
    const events = eventsOf([...rules, ...waiting], arrivalsAt(from, rightClock))
    expect(linesOf(events, from)).toEqual(usualLines)
  })

  test('a schedule has its hours on a leap day, and none where a year has no such day', () => {
    const schedule = {
      timezone: 'Europe/Berlin',
      weekly: [{ days: ['tue' as const], from: '08:00', to: '17:00' }],
    }
    const always = { kind: 'threshold', metric: 'temperature_c', above: -100 } as const
    const said = (from: number) =>
      eventsOf([{ id: 'hours', when: always, schedule }], arrivalsOf(from, 24 * 60, { [right]: rightClock }))
        .filter(({ device }) => device === right)
        .map(({ state, time }) => `${state} ${new Date(time).toISOString().slice(0, 16)}`)
    // A Tuesday.
    expect(said(Date.UTC(2028, 1, 29))).toEqual(['raised 2028-02-29T07:00', 'cleared 2028-02-29T16:00'])
    // The day after 28 February 2027, a Monday.
    expect(said(Date.UTC(2027, 1, 29))).toEqual([])
  })

  test(`a clock that steps ${stepsMax} times: no more is kept than of a right one`, () => {
    const sizesOf = (clock: DeviceClock) => {
      const evaluation = evaluationOf([...rules, ...waiting], ordinary)
      let largest = 0
      for (const arrival of arrivalsOf(ordinary, stepsMax, { [faulty]: clock })) {
        give(evaluation, arrival)
        const { states, windows, held } = evaluation.kept.sizes
        largest = Math.max(largest, states + windows + held)
      }
      return { largest, bytes: evaluation.kept.bytes }
    }
    const usual = sizesOf(rightClock)
    for (const name of ['anywhere within a year', 'an hour forward with each reading']) {
      const stepping = sizesOf(changingFaults[name]!)
      tellFigures({ clock: name, steps: stepsMax, usual, stepping })
      expect(stepping.largest).toBeLessThanOrEqual(usual.largest)
      expect(stepping.bytes).toBeLessThanOrEqual(2 * usual.bytes)
    }
  })
})

test(`a running platform: devices with such clocks, one that steps ${stepsMax} times among them, are stored, marked and judged as they must be`, async () => {
  const platform = await startPlatformProcess(tempDir(), ['--device-rate-max', '0', '--log-level', 'warn'])
  onTestFinished(async () => void (await platform.end('SIGKILL')))
  await platform.api.request('POST', '/rules', ruleOf({ id: 'warm', when: warm }))
  const sent = Object.entries(realClocks(Date.now())).map(([id, times]) => ({ id, times }))
  const ids = sent.map(({ id }) => id)
  const credentials = await platform.api.provision(ids.map((id) => ({ id, type: 'fridge' })))
  const send = async ({ id, times }: (typeof sent)[number]) => {
    const payloads = times.map((ts, n) => `{"ts":${ts},"values":{"temperature_c":${temperatureOf(n)}}}`)
    await publishAll(platform, id, credentials.get(id)?.password, payloads)
    await settledLedger(platform)
  }
  const receivedAt = new Map<string, number>()
  let warmMib = 0
  for (const one of sent) {
    if (one.id === 'stepping') warmMib = anonymousMib(platform.pid)
    receivedAt.set(one.id, Date.now())
    await send(one)
  }
  const lag = async () => {
    const { consumers } = await platform.api.request<{ consumers: { lag: number }[] }>('GET', '/stats')
    return consumers.reduce((sum, consumer) => sum + consumer.lag, 0)
  }
  await expect.poll(lag, { timeout: 30_000 }).toBe(0)
  const grownMib = anonymousMib(platform.pid) - warmMib
  for (const { id, times } of sent) {
    const arrivals = times.map(
      (ts, n): Arrival => ({
        at: receivedAt.get(id)!,
        device: id,
        ts,
        values: { temperature_c: temperatureOf(n) },
      }),
    )
    expect(await storedOf(platform, id), id).toEqual(expectedStored(arrivals))
    expect(await toldOf(platform, id), id).toEqual(expectedEvents(arrivals))
  }
  // What is past the last reading that there may be is no reading, and is kept whole.
  const letters = await pages<{ device: string; reason: string }>(platform, '/dead-letters?')
  expect(letters).toMatchObject([{ device: 'edges', reason: 'ts.invalid' }])
  expect(platform.stderr()).toBe('')
  expect(await platform.end('SIGTERM')).toBe(0)
  const log = await openLmdbLog({ path: join(platform.dataDir, 'log') })
  const kept = Object.fromEntries(
    (['instances', 'device-clocks', 'held-readings', 'windows', 'received-times'] as const).map((table) => [
      table,
      log.entries(table).length,
    ]),
  )
  await log.close()
  tellFigures({ devices: ids.length, steps: stepsMax, kept, grownMib })
  for (const entries of Object.values(kept)) expect(entries).toBeLessThanOrEqual(2 * ids.length)
  if (judgesFigures) expect(grownMib).toBeLessThanOrEqual(grownMibMax)
}, 180_000)

/** Times of the readings of each device, in the order in which they are sent; as many right ones as steps come first, that memory has its size. */
function realClocks(now: number): Record<string, number[]> {
  const times = (count: number, clock: DeviceClock) =>
    Array.from({ length: count }, (_, n) => Math.floor(clock(now - (count - n) * 1_000, n)))
  return {
    right: times(stepsMax, rightClock),
    ahead: times(30, (at) => at + yearMs),
    once: times(30, (at, n) => (n === 4 ? at + yearMs : at)),
    minutes: times(30, (at, n) => (n < 20 ? at + 4 * minuteMs : at)),
    behind: times(30, (at) => at - yearMs),
    summer: times(30, (at, n) => (n >= 10 && n < 20 ? at - hourMs : at)),
    battery: times(30, (at, n) => (n >= 10 && n < 20 ? Date.UTC(2000, 0, 1) + n : at)),
    leap: times(30, (_at, n) => Date.UTC(2024, 1, 28, 23, 59, 50) + n * hourMs),
    edges: [0, 1, 86_400_000 * 365].map((ms) => Date.UTC(2000, 0, 1) + ms).concat(lastTime, lastTime + 1),
    stepping: times(stepsMax, changingFaults['anywhere within a year']!),
  }
}

/** Too warm and not, a few readings each. */
const temperatureOf = (n: number) => (n % 8 < 4 ? 9.5 : 5)

async function storedOf({ api }: PlatformProcess, device: string): Promise<unknown[]> {
  const stored = await pages<{ time: string; values: object }>({ api }, `/readings?device=${device}`)
  return stored.map(({ time, values }) => ({ time: Date.parse(time), values }))
}

/** By time; of two with one time the later counts. */
function expectedStored(arrivals: readonly Arrival[]): unknown[] {
  const valid = arrivals.filter(({ ts }) => ts <= lastTime)
  const byTime = new Map(
    valid.map((arrival) => [
      arrival.ts,
      isFuture(arrival) ? { ...arrival.values, quality: 'future' } : arrival.values,
    ]),
  )
  return [...byTime].sort(([a], [b]) => a - b).map(([time, values]) => ({ time, values }))
}

async function toldOf({ api }: PlatformProcess, device: string): Promise<string[]> {
  const events: DeliveredEvent[] = []
  for (let after = '0'; ; after = events.at(-1)!.sequence) {
    const path = `/events?device=${device}&limit=1000&after=${after}`
    const { items } = await api.request<{ items: DeliveredEvent[] }>('GET', path)
    events.push(...items)
    if (items.length === 0) return events.map(({ time, data }) => `${data.state} ${Date.parse(time)}`)
  }
}

/** A rule without `for` tells of each change, and of nothing else. */
function expectedEvents(arrivals: readonly Arrival[]): string[] {
  let isUp = false
  return countingOf(arrivals, 0).flatMap(({ ts, values }) => {
    const isWarm = (values.temperature_c as number) > warm.above
    if (isWarm === isUp) return []
    isUp = isWarm
    return [`${isUp ? 'raised' : 'cleared'} ${ts}`]
  })
}

interface Told {
  readonly rule: string
  readonly device: string
  readonly state: string
  readonly time: number
  readonly value: unknown
}

/** Of four devices, one of them with the clock. */
function arrivalsAt(from: number, clock: DeviceClock): Arrival[] {
  return arrivalsOf(from, readingsMax, {
    [right]: rightClock,
    [beside]: rightClock,
    [faulty]: clock,
    other: rightClock,
  })
}

function evaluationOf(those: typeof rules, createdMs: number): Evaluation {
  const createdAt = new Date(createdMs).toISOString()
  const devices = Object.entries(siteOf).map(([id, site]) => ({ ...fridge, id, labels: { site }, createdAt }))
  return new Evaluation(
    those.map((rule) => storedRule(rule)),
    { devices },
  )
}

function give(evaluation: Evaluation, arrival: Arrival): void {
  evaluation.giveAt(arrival.at, { ...arrival, future: isFuture(arrival) })
}

/** What the rules tell of the readings, while the wall clock runs as far as that of `clocked` does. */
function eventsOf(
  those: typeof rules,
  arrivals: readonly Arrival[],
  clocked: readonly Arrival[] = arrivals,
): Told[] {
  const evaluation = evaluationOf(those, clocked[0]!.at)
  let next = 0
  for (const { at } of clocked) {
    if (at % minuteMs === 0) evaluation.advance(at)
    for (; arrivals[next] !== undefined && arrivals[next]!.at <= at; next++) give(evaluation, arrivals[next]!)
  }
  return evaluation.occurrences.map(({ instance, transition, time, value }) => ({
    rule: instance.rule.id,
    device: instance.device.id,
    state: transition,
    time,
    value,
  }))
}

/** Those in which the faulty clock has no part. */
function withoutFaulty(events: readonly Told[]): readonly Told[] {
  return events.filter(({ device }) => device !== faulty && device !== `site=${siteOf[faulty]}`)
}

/** Of the device with the clock, with times from `since` on. */
function linesOf(events: readonly Told[], since: number): string[] {
  return events
    .filter(({ device }) => device === faulty)
    .map(({ rule, state, time, value }) => `${rule} ${state} ${time - since} ${value}`)
}
