import type { DeviceRecord } from '../../domain/device.ts'
import type { EventRecord } from '../../domain/event.ts'
import type { Profile, Value } from '../../domain/profile.ts'
import type { ReadingBatch, Shape } from '../../domain/reading-batch.ts'
import { BatchBuilder } from '../../ingest/batch-builder.ts'
import { toEvent } from '../../rules/alarm-events.ts'
import type { LimitCode } from '../../rules/device-evaluation.ts'
import { Evaluator } from '../../rules/evaluator.ts'
import type { Evaluation as Evaluated, Occurrence } from '../../rules/instance.ts'
import type { Rule, StoredRule } from '../../rules/rule.ts'
import { KeptMemory } from './kept-memory.ts'

/** A reading as the tests of rules write it. */
export interface Given {
  readonly ts: number
  readonly values: Readonly<Record<string, Value>>
  readonly device?: string
  readonly future?: boolean
}

export const fridge: DeviceRecord = {
  id: 'fridge-1',
  type: 'fridge',
  labels: { site: 'berlin' },
  createdAt: '2026-01-01T00:00:00.000Z',
  secretHash: '',
}

/** A rule over `temperature_c > 8` for every device, with the fields that a test cares about put in. */
export function ruleOf(fields: Partial<Rule> = {}): Rule {
  return {
    id: 'too-warm',
    name: 'Too warm',
    enabled: true,
    class: 'maintenance',
    severity: 'major',
    select: { types: [], labels: {}, devices: [] },
    when: { kind: 'threshold', metric: 'temperature_c', above: 8 },
    for: '0s',
    keepFor: '0s',
    escalate: [],
    wait: '0s',
    gaps: 'hold',
    suppressedBy: [],
    message: '{device} is {value} °C (limit {threshold})',
    labels: {},
    ...fields,
  }
}

export function storedRule(fields: Partial<Rule> = {}, version = 1): StoredRule {
  const at = '2026-01-01T00:00:00.000Z'
  return { ...ruleOf(fields), version, createdAt: at, updatedAt: at }
}

const letters = { number: 'n', boolean: 'b', string: 's' } as const

/** Readings as one record of the `readings` stream, a message each; received at the time of the first, unless said. */
export function batchOf(readings: readonly Given[], receivedAt?: number): ReadingBatch {
  const builder = new BatchBuilder()
  const shapes = new Map<string, Shape>()
  for (const { ts, values, device = fridge.id, future = false } of readings) {
    const types = Object.values(values).map((value) => letters[typeof value as keyof typeof letters])
    const metrics = Object.keys(values)
    const key = `${metrics} ${types}`
    const shape = shapes.get(key) ?? { metrics, types: types.join('') }
    shapes.set(key, shape)
    for (const value of Object.values(values)) builder.addValue(value)
    builder.addRow({ id: device, type: 'fridge', tags: [] }, shape, ts, future)
    builder.endMessage(receivedAt ?? ts)
  }
  return builder.take()
}

/** What an `Evaluation` may be given beside its rules. */
export interface World {
  readonly devices?: readonly DeviceRecord[]
  readonly profiles?: readonly Profile[]
  /** From `from` on, to before `to`, nothing is announced. */
  readonly maintenance?: readonly { readonly from: number; readonly to: number }[]
  readonly pairsMax?: number
  readonly readingsMax?: number
}

/** The evaluator with what it is given by the engine, in memory: what is kept crosses a restart as JSON, as in the log. */
export class Evaluation {
  readonly occurrences: Occurrence[] = []
  readonly limits: { code: LimitCode; rule: string; device: string }[] = []
  evaluations = 0
  readonly kept = new KeptMemory()
  readonly #rules: Map<string, StoredRule>
  readonly #devices: Map<string, DeviceRecord>
  readonly #world: World
  #evaluator: Evaluator

  constructor(rules: readonly StoredRule[], world: World = {}) {
    this.#rules = new Map(rules.map((rule) => [rule.id, rule]))
    this.#devices = new Map((world.devices ?? [fridge]).map((device) => [device.id, device]))
    this.#world = world
    this.#evaluator = this.#start()
  }

  /** One group of readings; returns its transitions. */
  give(...readings: Given[]): readonly Occurrence[] {
    return this.#take(this.#evaluator.evaluate([batchOf(readings)]))
  }

  /** One group of readings that arrived at the wall time `receivedAt`. */
  giveAt(receivedAt: number, ...readings: Given[]): readonly Occurrence[] {
    return this.#take(this.#evaluator.evaluate([batchOf(readings, receivedAt)]))
  }

  /** The wall clock comes to `now`. */
  advance(now: number): readonly Occurrence[] {
    return this.#take(this.#evaluator.advance(now))
  }

  connection(device: string, online: boolean, at: number): readonly Occurrence[] {
    return this.#take(this.#evaluator.connections([{ device, online, at }]))
  }

  restart(): void {
    this.#evaluator = this.#start()
  }

  /** Puts a rule in, or in another's place, going on with what is kept of it. */
  setRule(rule: StoredRule): void {
    this.#rules.set(rule.id, rule)
    this.#evaluator.setRule(rule.id, rule)
  }

  /** All transitions so far as `raised@1000`. */
  get said(): string[] {
    return this.occurrences.map(({ transition, time }) => `${transition}@${time}`)
  }

  get events(): EventRecord[] {
    return this.occurrences.map(({ instance, transition, receivedAt, value, threshold, ...rest }) =>
      toEvent({
        rule: instance.rule,
        device: instance.device,
        state: transition,
        recordedAt: 0,
        // When a batch came is not the evaluation's result.
        ...(receivedAt === undefined ? {} : { receivedAt: 0 }),
        ...(value === undefined ? {} : { value }),
        ...(threshold === undefined ? {} : { threshold }),
        ...rest,
      }),
    )
  }

  #take(evaluated: Evaluated): readonly Occurrence[] {
    this.kept.write(evaluated)
    this.occurrences.push(...evaluated.occurrences)
    this.evaluations += evaluated.evaluations
    return evaluated.occurrences
  }

  #start(): Evaluator {
    const profiles = new Map((this.#world.profiles ?? []).map((profile) => [profile.type, profile]))
    const evaluator = new Evaluator({
      kept: this.kept,
      devices: () => this.#devices.values(),
      findDevice: (id) => this.#devices.get(id),
      profileOf: (type) => profiles.get(type),
      isSilenced: (_rule, _device, timeMs) =>
        (this.#world.maintenance ?? []).some(({ from, to }) => timeMs >= from && timeMs < to),
      endOfSilence: (_rule, _device, timeMs) =>
        (this.#world.maintenance ?? []).reduce(
          (end, { from, to }) => (end >= from && end < to ? to : end),
          timeMs,
        ),
      pairsMax: this.#world.pairsMax ?? 1_000_000,
      readingsMax: this.#world.readingsMax ?? 100_000,
      onLimit: (code, rule, device) => this.limits.push({ code, rule, device }),
    })
    for (const rule of this.#rules.values()) evaluator.setRule(rule.id, rule)
    return evaluator
  }
}
