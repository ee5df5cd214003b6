import { describe, expect, test } from 'vitest'
import type { DeviceRecord } from '../../../domain/device.ts'
import { durationMs } from '../../../domain/duration.ts'
import type { Value } from '../../../domain/profile.ts'
import { shippedProfiles } from '../../../domain/shipped-profiles.ts'
import type { Rule } from '../../../rules/rule.ts'
import { findRulePack, packRules } from '../../../rules/rule-packs.ts'
import { models } from '../../../simulators/models/models.ts'
import { Evaluation, type Given, storedRule } from '../evaluation.ts'

/** A Monday at midnight, UTC. */
export const startMs = Date.UTC(2026, 0, 5)
const readingsAtOnce = 5_000

export type Values = Readonly<Record<string, Value>>
/** How long it lasts, and what is read meanwhile: the same, or a function of the ms since the start. */
export type Phase = readonly [length: string, values: Values | ((sinceMs: number) => Values)]

/** One row of a pack's table: what a device sends, and what the rule alone says of it. */
export interface PackCase {
  readonly rule: string
  readonly is: string
  readonly every: string
  /** From the start on, one after another; a reading at the very end belongs to none. */
  readonly plays: readonly Phase[]
  /** `raised 15m`: transitions and when, from the start. */
  readonly says: readonly string[]
  readonly type: string
  readonly labels?: Readonly<Record<string, string>>
  /** The wall clock goes on to so long after the start, without a reading. */
  readonly silentUntil?: string
}

export function ms(text: string): number {
  const found = durationMs(text)
  if (found === undefined) throw new Error(`no duration: ${text}`)
  return found
}

export function readingsOf(every: string, plays: readonly Phase[]): Given[] {
  const readings: Given[] = []
  let since = 0
  let end = 0
  for (const [length, values] of plays) {
    end += ms(length)
    for (; since < end; since += ms(every)) {
      readings.push({
        ts: startMs + since,
        device: 'd',
        values: typeof values === 'function' ? values(since) : values,
      })
    }
  }
  return readings
}

const profiles = new Map(shippedProfiles.map((profile) => [profile.type, profile]))

/** The rules of a pack as they are installed under the shipped profiles. */
export function installedRules(pack: string): readonly Rule[] {
  const rules = packRules(findRulePack(pack)!, profiles)
  if (!rules.ok) throw new Error(JSON.stringify(rules.errors))
  return rules.rules
}

export function deviceOf(type: string, labels: Readonly<Record<string, string>> = {}): DeviceRecord {
  return { id: 'd', type, labels, createdAt: new Date(startMs).toISOString(), secretHash: '' }
}

export function evaluationOf(rules: readonly Rule[], device: DeviceRecord): Evaluation {
  return new Evaluation(
    rules.map((rule) => storedRule(rule)),
    { devices: [device], profiles: shippedProfiles },
  )
}

/** One by one, where the clock matters: a batch counts as received with its first message. */
export function giveAll(evaluation: Evaluation, readings: readonly Given[], atOnce = readingsAtOnce): void {
  for (let i = 0; i < readings.length; i += atOnce) evaluation.give(...readings.slice(i, i + atOnce))
}

/** `raised 900s` of everything that was announced, in seconds from the start. */
export function announced(evaluation: Evaluation): string[] {
  return evaluation.events.map(({ data, time }) => `${data.state} ${(Date.parse(time) - startMs) / 1000}s`)
}

function saidBy({ rule, every, plays, type, labels, silentUntil }: PackCase, rules: readonly Rule[]) {
  const evaluation = evaluationOf(
    rules.filter(({ id }) => id === rule),
    deviceOf(type, labels),
  )
  giveAll(evaluation, readingsOf(every, plays), silentUntil === undefined ? readingsAtOnce : 1)
  if (silentUntil !== undefined) evaluation.advance(startMs + ms(silentUntil))
  return announced(evaluation)
}

const inSeconds = (said: string) => said.replace(/\S+$/, (time) => `${ms(time) / 1000}s`)

/**
 * The table of a pack: each rule has a row in which it raises, and one in which it does not. Those of `raisedElsewhere` need
 * more than readings to be raised, and have a test of their own.
 */
export function testPack(
  pack: string,
  cases: readonly PackCase[],
  raisedElsewhere: readonly string[] = [],
): void {
  const rules = installedRules(pack)

  describe(`pack ${pack}`, () => {
    test.each(cases.map((one) => [one.rule, one.is, one] as const))('%s: %s', (_rule, _is, one) => {
      expect(saidBy(one, rules)).toEqual(one.says.map(inSeconds))
    })

    test('every rule stands in the table, raising and silent, and no other does', () => {
      const withRows = (wanted: (one: PackCase) => boolean) => [
        ...new Set(cases.filter(wanted).map(({ rule }) => rule)),
      ]
      const all = rules.map(({ id }) => id).sort()
      expect([...withRows(({ says }) => says.length > 0), ...raisedElsewhere].sort()).toEqual(all)
      expect(withRows(({ says }) => says.length === 0).sort()).toEqual(all)
    })
  })
}

/** What a healthy simulated device of a type sends in a day, read at the profile's interval. */
export function healthyDay(type: string, seed: number): Given[] {
  const model = models.find((one) => one.type === type)!
  const device = model.create(seed, `healthy-${seed}`)
  return readingsOf(`${model.intervalMs}ms`, [['24h', (since) => device.valuesAt(startMs + since) as Values]])
}

/** A healthy series, plain or a simulated day, to which no rule of the pack may say anything. */
export function testHealthy(
  pack: string,
  type: string,
  readings: () => readonly Given[],
  labels?: Readonly<Record<string, string>>,
): void {
  test(`a healthy day of a ${type} raises nothing of the pack ${pack}`, () => {
    const evaluation = evaluationOf(installedRules(pack), deviceOf(type, labels))
    giveAll(evaluation, readings(), 1)
    expect(evaluation.evaluations).toBeGreaterThan(90)
    expect(evaluation.events.map(({ data, time }) => `${data.rule} ${data.state} ${time}`)).toEqual([])
  })
}
