import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { DeviceRecord } from '../../domain/device.ts'
import type { EventRecord } from '../../domain/event.ts'
import { delay } from '../../lib/clock.ts'
import { hash32, randomAt } from '../../lib/prng.ts'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import type { Log } from '../../log/log.ts'
import { instanceKey } from '../../rules/kept-state.ts'
import type { StoredRule } from '../../rules/rule.ts'
import { MqttPublisher } from '../../simulators/mqtt-publisher.ts'
import { Evaluation } from '../rules/evaluation.ts'
import { brokenBuild } from '../support/broken-build.ts'
import { tellFigures } from '../support/figures.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { newSeed, sizeOf } from '../support/promises.ts'
import {
  deviceIds,
  type Kind,
  killPhases,
  kinds,
  lastPhase,
  lastWord,
  midDevices,
  readingsOf,
  roundAt,
  type SentReading,
  scriptRules,
  stillDevice,
  stillLimitMs,
} from '../support/rules-script.ts'
import { newTempDir } from '../support/temp-dir.ts'

/** R10: rules over `kill -9` in the middle of a `for`, a window, a sequence and a silence; and the check of it can fail. */
const kills = sizeOf('TIDEMARK_RULE_KILLS')
const brokenKills = 2
const seed = String(newSeed())
/** The platform is killed at most this long after the readings of a phase were sent: before, during and after each of its commits, of which the last waits 50 ms. */
const killDelayMsMax = 120
/** A broken build goes no further than between two steps that it has torn apart, once there is this file; it then has the other name. */
const [tearFile, tornFile] = ['tear', 'torn'] as const
const tear = (condition: string) => `
  const { existsSync, renameSync } = await import('node:fs');
  if (existsSync('${tearFile}') && ${condition}) {
    renameSync('${tearFile}', '${tornFile}');
    await new Promise(() => undefined);
  }`
const stillEvery = 5

describe('kill -9', () => {
  test(
    `${kills} times in the middle of for, window, sequence and absence: each event comes at its time, once`,
    async () => {
      const { report, expected, events, middles } = await killInTheMiddle({ kills })
      expect(report).toEqual({ early: 0, missing: 0, repeated: 0, unexpected: 0 })
      expect(events).toEqual(expected)
      // Of each kind the state that was kept shows it half over at every other kill at least: see `isSettled`.
      for (const kind of kinds) expect(middles[kind]).toBeGreaterThanOrEqual(Math.floor(kills / 2))
      expect(expected.length).toBeGreaterThanOrEqual(kills * 24)
    },
    60_000 + kills * 20_000,
  )

  test('is seen to lose events where the state of rules is not kept', async () => {
    const { report } = await killInTheMiddle({
      kills: brokenKills,
      broken: {
        file: 'rules/kept-state.js',
        code: `this.#tx.put('instances', instanceKey(rule.id, device.id), kept);`,
        replacement: '',
      },
    })
    expect(report.missing).toBeGreaterThan(0)
  }, 120_000)

  test('is seen to lose events where the offset is committed before the evaluation', async () => {
    const { report } = await killInTheMiddle({
      kills: brokenKills,
      broken: {
        file: 'rules/rules-engine.js',
        isTorn: true,
        code: `const done = evaluation();`,
        replacement: `await this.#options.log.transaction((tx) => tx.commitOffset(consumer, next));
          const done = evaluation();
          ${tear(`done.clocks.has('window-edge')`)}`,
      },
    })
    expect(report.missing).toBeGreaterThan(0)
  }, 120_000)

  test('is seen to repeat events where they are committed before state and offset', async () => {
    const { report } = await killInTheMiddle({
      kills: brokenKills,
      broken: {
        file: 'rules/rules-engine.js',
        isTorn: true,
        code: `await this.#options.log.transaction((tx) => {
            const writer = new RuleStateWriter(tx, this.#kept);
            for (const event of events)
                writer.event(event);`,
        replacement: `await this.#options.log.transaction((tx) => {
            const writer = new RuleStateWriter(tx, this.#kept);
            for (const event of events) writer.event(event);
          });
          ${tear(`events.some(({ subject }) => subject.endsWith('-edge'))`)}
          await this.#options.log.transaction((tx) => {
            const writer = new RuleStateWriter(tx, this.#kept);`,
      },
    })
    expect(report.repeated).toBeGreaterThan(0)
  }, 120_000)
})

interface Options {
  readonly kills: number
  readonly broken?: {
    readonly file: string
    readonly code: string
    readonly replacement: string
    /** The kill falls between two steps, however long they take. */
    readonly isTorn?: boolean
  }
}

async function killInTheMiddle(options: Options) {
  const dir = newTempDir()
  onTestFinished(dir.remove)
  const { broken } = options
  const main =
    broken === undefined ? undefined : brokenBuild(dir.path, broken.file, broken.code, broken.replacement)
  const platform = await startPlatformProcess(dir.path, ['--log-level', 'error'], main)
  onTestFinished(async () => {
    await platform.end('SIGKILL')
  })
  const fleet = await Fleet.connect(platform)
  onTestFinished(() => fleet.close())
  for (const rule of scriptRules) await platform.api.request('POST', '/rules', rule)
  const random = (name: string, round: number) => randomAt(hash32(`${seed} ${name}`), round)
  const middles: Record<Kind, number> = { for: 0, window: 0, sequence: 0, absence: 0 }
  let early = 0
  const withLog = <T>(read: (log: Log) => T) => readLog(join(dir.path, 'log'), read)
  for (let round = 0; round < options.kills; round++) {
    const killPhase = killPhases[Math.floor(random('phase', round) * killPhases.length)]!
    const isStill = broken === undefined && round % stillEvery === 0
    for (let phase = 0; phase <= lastPhase; phase++) {
      // Every other time all that was sent before is evaluated at the kill, else whatever happens to be.
      const isSettled = phase === killPhase && (broken !== undefined || round % 2 === 0)
      if (isSettled) await allEvaluated(platform)
      const isTorn = phase === killPhase && broken?.isTorn === true
      if (isTorn) writeFileSync(join(dir.path, tearFile), '')
      fleet.send(readingsOf(round, phase, killPhase, isStill))
      if (phase === killPhase) {
        if (isTorn) await torn(dir.path)
        else await delay(random('delay', round) * killDelayMsMax)
        await platform.end('SIGKILL')
        await withLog((log) => {
          early += eventsOf(log).filter(isOfTheMiddle(round)).length
          for (const kind of kinds) if (isInTheMiddle(log, kind, round)) middles[kind]++
        })
        // The limit of the silent device runs out while nothing runs.
        if (isStill) await delay(stillLimitMs)
        await platform.restart()
      }
      await fleet.allAcknowledged()
      if (isStill && phase === killPhase) await silenceNoticed(platform, round, phase)
    }
  }
  fleet.send([lastWord(options.kills)])
  await fleet.allAcknowledged()
  await allEvaluated(platform)
  await platform.end('SIGKILL')
  const result = await withLog((log) => {
    const events = eventsOf(log).filter(isOfTheScript).map(evaluated).sort(byAlarmAndTime)
    const expected = expectedOf(log, fleet.sent).filter(isOfTheScript).map(evaluated).sort(byAlarmAndTime)
    return { events, expected, middles, report: { early, ...compare(events, expected) } }
  })
  const { events, report } = result
  const told = {
    seed,
    kills: options.kills,
    sent: fleet.sent.length,
    events: events.length,
    ...report,
    middles,
  }
  tellFigures(told)
  return result
}

/** The devices' connections: each sends its next reading when the one before is acknowledged, again after a kill. */
class Fleet {
  readonly sent: SentReading[] = []
  readonly #publishers = new Map<string, MqttPublisher>()
  #acknowledged = 0
  #allAcknowledged: (() => void) | undefined

  static async connect({ api, mqttUrl }: PlatformProcess): Promise<Fleet> {
    const fleet = new Fleet()
    const credentials = await api.provision(deviceIds.map((id) => ({ id, type: 'fridge' })))
    for (const id of deviceIds) {
      const publisher = new MqttPublisher({
        url: mqttUrl,
        clientId: id,
        ...credentials.get(id),
        topic: `devices/${id}/telemetry`,
        qos: 1,
        reconnectMsMax: 100,
        onAcknowledged: () => fleet.#onAcknowledged(),
      })
      await publisher.connect()
      fleet.#publishers.set(id, publisher)
    }
    return fleet
  }

  send(readings: readonly SentReading[]): void {
    for (const reading of readings) {
      const { device, ts, values } = reading
      const publisher = this.#publishers.get(device)!
      publisher.publish(Buffer.from(JSON.stringify({ ts, values })), this.sent.length)
      publisher.flush()
      this.sent.push(reading)
    }
  }

  async allAcknowledged(): Promise<void> {
    if (this.#acknowledged === this.sent.length) return
    await new Promise<void>((resolve) => {
      this.#allAcknowledged = resolve
    })
  }

  async close(): Promise<void> {
    for (const publisher of this.#publishers.values()) await publisher.close()
  }

  #onAcknowledged(): void {
    if (++this.#acknowledged === this.sent.length) this.#allAcknowledged?.()
  }
}

/** The broken platform has come between its two steps. */
async function torn(dir: string): Promise<void> {
  const path = join(dir, tornFile)
  await expect.poll(() => existsSync(path), { timeout: 20_000, interval: 5 }).toBe(true)
  rmSync(path)
}

/** Of a platform that has ended. */
async function readLog<T>(path: string, read: (log: Log) => T): Promise<T> {
  const log = await openLmdbLog({ path })
  try {
    return read(log)
  } finally {
    await log.close()
  }
}

function eventsOf(log: Log): EventRecord[] {
  return log
    .read('events', 0, { entriesMax: 1e6, bytesMax: 1e9 })
    .map(({ value }) => JSON.parse(value.toString()) as EventRecord)
}

/** The events of the evaluator in memory over what was sent, in order; its wall clock stands, so gaps alone show silence. */
function expectedOf(log: Log, sent: readonly SentReading[]): EventRecord[] {
  const rules = log.entries<StoredRule>('rules').map(([, rule]) => rule)
  const devices = log.entries<DeviceRecord>('devices').map(([, device]) => device)
  const evaluation = new Evaluation(rules, { devices })
  for (const reading of sent) evaluation.giveAt(0, reading)
  return evaluation.events
}

/** All but when the reading came, and when the event was written. */
function evaluated({ data: { received: _, recorded: __, ...data }, ...event }: EventRecord) {
  return { ...event, data }
}

type Evaluated = ReturnType<typeof evaluated>

/** Between its registration and its first reading a device may be silent for long enough: that is of no interest here. */
function isOfTheScript({ data: { since } }: EventRecord): boolean {
  return Date.parse(since) < roundAt(kills)
}

function isOfTheMiddle(round: number): (event: EventRecord) => boolean {
  const ids = new Set(kinds.flatMap(midDevices))
  return ({ subject, data: { since } }) => ids.has(subject) && Date.parse(since) >= roundAt(round)
}

/** Whether the state that is kept shows the devices of a kind half-way through this round. */
function isInTheMiddle(log: Log, kind: Kind, round: number): boolean {
  const begin = roundAt(round)
  return midDevices(kind).every((device) => {
    const state = log.get<KeptState>('instances', instanceKey(kind, device))
    if (kind === 'for') return state?.condition === 'pending' && state.since >= begin
    if (kind === 'sequence') return (state?.inner?.completed?.[0] ?? 0) >= begin
    if (kind === 'absence') return (state?.inner?.last ?? 0) >= begin
    const rows = log.entries<Buffer>('windows', { prefix: `${device} ` })
    return rows.some(([, bytes]) => newestTimeOf(bytes) >= begin)
  })
}

/** Of a row of a window: the times of its readings stand first, in order. */
function newestTimeOf(row: Buffer): number {
  return row.readDoubleLE(8 * (Math.floor(row.length / 16) - 1))
}

interface KeptState {
  readonly condition: string
  readonly since: number
  readonly inner: { readonly last?: number; readonly completed?: readonly (number | null)[] } | null
}

function compare(events: readonly Evaluated[], expected: readonly Evaluated[]) {
  const known = new Set(expected.map(({ id }) => id))
  const seen = new Set(events.map(({ id }) => id))
  return {
    missing: [...known].filter((id) => !seen.has(id)).length,
    repeated: events.length - seen.size,
    unexpected: [...seen].filter((id) => !known.has(id)).length,
  }
}

function byAlarmAndTime(a: Evaluated, b: Evaluated): number {
  const [keyA, keyB] = [a, b].map(({ source, subject, time, data: { state } }) =>
    [source, subject, time, state === 'raised' ? 0 : 1].join(' '),
  )
  return keyA! < keyB! ? -1 : keyA! > keyB! ? 1 : 0
}

async function allEvaluated({ httpUrl }: PlatformProcess): Promise<void> {
  const lags = async () => {
    const text = await (await fetch(`${httpUrl}/metrics`)).text()
    return text.match(/^tidemark_consumer_lag\{consumer="(ingest|rules)"\} .*$/gm)?.sort()
  }
  const none = ['ingest', 'rules'].map((name) => `tidemark_consumer_lag{consumer="${name}"} 0`)
  await expect.poll(lags, { timeout: 20_000, interval: 5 }).toEqual(none)
}

/** By the clock alone: the device has sent nothing more. */
async function silenceNoticed({ api }: PlatformProcess, round: number, killPhase: number): Promise<void> {
  const [last] = readingsOf(round, killPhase - 1, killPhase, true).filter(
    ({ device }) => device === stillDevice,
  )
  const time = new Date(last!.ts + stillLimitMs).toISOString()
  const raised = async () => {
    const path = `/events?limit=1000&device=${stillDevice}`
    const { items } = await api.request<{ items: EventRecord[] }>('GET', path)
    return items.filter((event) => event.data.state === 'raised').map((event) => event.time)
  }
  await expect.poll(raised, { timeout: 20_000, interval: 20 }).toContain(time)
}
