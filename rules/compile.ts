import type { DeviceRecord } from '../domain/device.ts'
import { durationMs } from '../domain/duration.ts'
import type { CompiledCondition, ConditionKind } from './conditions/condition.ts'
import { threshold } from './conditions/threshold.ts'
import type { Condition, StoredRule } from './rule.ts'

/** Every kind of condition: a new one is a file in conditions/ and a line here. */
export const conditionKinds: {
  readonly [K in Condition['kind']]: ConditionKind<Extract<Condition, { kind: K }>>
} = {
  threshold,
}

/** A rule as the evaluator uses it. */
export interface CompiledRule {
  readonly rule: StoredRule
  readonly metrics: readonly string[]
  readonly forMs: number
  readonly keepForMs: number
  /** A silence of over 3 × the usual interval starts `for` again. */
  readonly gapsReset: boolean
  matches(device: DeviceRecord): boolean
  conditionFor(device: DeviceRecord): CompiledCondition
}

export function compileRule(rule: StoredRule): CompiledRule {
  const kind = conditionKinds[rule.when.kind]
  const { types, labels, devices } = rule.select
  const wantedLabels = Object.entries(labels)
  return {
    rule,
    metrics: kind.metrics(rule.when),
    forMs: durationMs(rule.for) ?? 0,
    keepForMs: durationMs(rule.keepFor) ?? 0,
    gapsReset: rule.gaps === 'reset',
    matches: (device) =>
      (types.length === 0 || types.includes(device.type)) &&
      (devices.length === 0 || devices.includes(device.id)) &&
      wantedLabels.every(
        ([name, value]) => Object.hasOwn(device.labels, name) && device.labels[name] === value,
      ),
    conditionFor: (device) => kind.compile(rule.when, device),
  }
}
