import type { DeviceRecord } from '../../domain/device.ts'
import type { EventRecord } from '../../domain/event.ts'
import type { Value } from '../../domain/profile.ts'
import type { ReadingBatch, Shape } from '../../domain/reading-batch.ts'
import { BatchBuilder } from '../../ingest/batch-builder.ts'
import { toEvent } from '../../rules/alarm-events.ts'
import type { AlarmState } from '../../rules/alarm-machine.ts'
import { Evaluator, type Occurrence } from '../../rules/evaluator.ts'
import type { Rule, StoredRule } from '../../rules/rule.ts'

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
    wait: '0s',
    gaps: 'hold',
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

/** Readings as one record of the `readings` stream, a message each. */
export function batchOf(readings: readonly Given[]): ReadingBatch {
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
    builder.endMessage(ts)
  }
  return builder.take()
}

/** The evaluator with what it is given by the engine, in memory: what is kept crosses a restart as JSON, as in the log. */
export class Evaluation {
  readonly occurrences: Occurrence[] = []
  evaluations = 0
  readonly #rules: readonly StoredRule[]
  readonly #devices: Map<string, DeviceRecord>
  readonly #states = new Map<string, string>()
  readonly #clocks = new Map<string, number>()
  #evaluator: Evaluator

  constructor(rules: readonly StoredRule[], devices: readonly DeviceRecord[] = [fridge]) {
    this.#rules = rules
    this.#devices = new Map(devices.map((device) => [device.id, device]))
    this.#evaluator = this.#start()
  }

  /** One group of readings; returns its transitions. */
  give(...readings: Given[]): Occurrence[] {
    const { occurrences, changed, clocks, evaluations } = this.#evaluator.evaluate([batchOf(readings)])
    for (const { compiled, device, state } of changed)
      this.#states.set(`${compiled.rule.id} ${device.id}`, JSON.stringify(state))
    for (const [device, time] of clocks) this.#clocks.set(device, time)
    this.occurrences.push(...occurrences)
    this.evaluations += evaluations
    return occurrences
  }

  restart(): void {
    this.#evaluator = this.#start()
  }

  /** All transitions so far as `raised@1000`. */
  get said(): string[] {
    return this.occurrences.map(({ transition, time }) => `${transition}@${time}`)
  }

  get events(): EventRecord[] {
    return this.occurrences.map(({ instance: { compiled, device, condition }, transition, ...rest }) =>
      toEvent({
        rule: compiled.rule,
        device,
        state: transition,
        recordedAt: 0,
        threshold: condition.threshold,
        ...rest,
        // When a batch came is not the evaluation's result.
        receivedAt: 0,
      }),
    )
  }

  #start(): Evaluator {
    const evaluator = new Evaluator(
      {
        instance: (rule, device) => {
          const text = this.#states.get(`${rule} ${device}`)
          return text === undefined ? undefined : (JSON.parse(text) as AlarmState)
        },
        clock: (device) => this.#clocks.get(device),
      },
      (id) => this.#devices.get(id),
    )
    for (const rule of this.#rules) evaluator.setRule(rule.id, rule)
    return evaluator
  }
}
