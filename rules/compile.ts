import type { DeviceRecord } from '../domain/device.ts'
import { durationMs } from '../domain/duration.ts'
import type { Profile } from '../domain/profile.ts'
import type { AlarmTiming } from './alarm-machine.ts'
import { compileCondition } from './condition-kinds.ts'
import type { CompiledCondition } from './conditions/condition.ts'
import { RangeThreshold } from './conditions/threshold.ts'
import type { Duration, Limit, StoredRule } from './rule.ts'
import { type CompiledSchedule, compileSchedule } from './schedule.ts'
import { selects } from './selection.ts'

/** A rule for a device: its limits and durations resolved. Devices whose labels give the same share it. */
export interface RuleForDevice {
  readonly rule: CompiledRule
  readonly condition: CompiledCondition
  /** Set where the condition can be compared in columns. */
  readonly range: RangeThreshold | undefined
  readonly timing: AlarmTiming
  /** What the device's labels gave; undefined where the rule asks for none. */
  readonly basis: string | undefined
}

/** A rule as the evaluator uses it. */
export class CompiledRule {
  readonly rule: StoredRule
  /** Of which set of rules it is the newest: see `Evaluator`. */
  readonly generation: number
  readonly waitMs: number
  /** It compares devices of a group. */
  readonly isOfCohort: boolean
  /** A silence of over 3 × the usual interval starts `for` again. */
  readonly gapsReset: boolean
  /** Silence alone may change its state. */
  readonly isClocked: boolean
  /** Rules whose evaluation is an input of this one's condition. */
  readonly watches: readonly string[]
  /** Rules whose state it asks for, those included: they are evaluated before it. */
  readonly dependsOn: readonly string[]
  readonly schedule: CompiledSchedule | undefined
  readonly #usesDevice: boolean
  readonly #variants = new Map<string, RuleForDevice>()

  constructor(rule: StoredRule, generation: number) {
    this.rule = rule
    this.generation = generation
    this.isOfCohort = rule.when.kind === 'group' || rule.when.kind === 'peers'
    this.waitMs = durationMs(rule.wait) ?? 0
    this.gapsReset = rule.gaps === 'reset'
    this.isClocked = someObject(rule.when, ({ kind }) => kind === 'absence')
    this.watches = watchedRules(rule.when)
    this.dependsOn = [...rule.suppressedBy, ...this.watches]
    this.schedule = rule.schedule === undefined ? undefined : compileSchedule(rule.schedule)
    this.#usesDevice = usesDevice([rule.when, rule.for, rule.keepFor, rule.escalate])
  }

  matches(device: DeviceRecord): boolean {
    return selects(this.rule.select, device)
  }

  /** The rule with what the device's labels and profile give. */
  forDevice(device: DeviceRecord, profile: Profile | undefined): RuleForDevice {
    if (!this.#usesDevice) return this.#variant('', () => this.#compile(device, profile, undefined))
    const asked: Record<string, string> = {}
    for (const name of labelsAsked(this.rule)) {
      if (Object.hasOwn(device.labels, name)) asked[name] = device.labels[name]!
    }
    const labels = usesLabels(this.rule.when) ? Object.entries(device.labels).sort() : null
    const basis = JSON.stringify([asked, labels])
    return this.#variant(`${basis} ${profile?.expectedInterval}`, () => this.#compile(device, profile, basis))
  }

  #variant(key: string, compile: () => RuleForDevice): RuleForDevice {
    const found = this.#variants.get(key)
    if (found !== undefined) return found
    const made = compile()
    if (this.#variants.size < variantsMax) this.#variants.set(key, made)
    return made
  }

  #compile(device: DeviceRecord, profile: Profile | undefined, basis: string | undefined): RuleForDevice {
    const { rule } = this
    const duration = (given: Duration) => resolveDuration(given, device)
    const condition = compileCondition(rule.when, {
      limit: (given) => resolveLimit(given, device),
      duration,
      expectedIntervalMs:
        profile?.expectedInterval === undefined ? undefined : durationMs(profile.expectedInterval),
      labels: device.labels,
    })
    const isPlain = !this.gapsReset && this.dependsOn.length === 0
    return {
      rule: this,
      condition,
      range: condition instanceof RangeThreshold && isPlain ? condition : undefined,
      timing: {
        forMs: duration(rule.for),
        keepForMs: duration(rule.keepFor),
        escalate: rule.escalate.map(({ after, severity }) => ({ afterMs: duration(after), severity })),
      },
      basis,
    }
  }
}

/** Variants kept of one rule; beyond it each device has its own. */
const variantsMax = 1_000

/** A label that holds no finite number gives the default. */
function resolveLimit(limit: Limit, device: DeviceRecord): number {
  if (typeof limit === 'number') return limit
  const text = labelOf(device, limit.label)
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text)
  return Number.isFinite(value) ? value : limit.default
}

/** A label that holds no duration gives the default. */
function resolveDuration(duration: Duration, device: DeviceRecord): number {
  if (typeof duration === 'string') return durationMs(duration) ?? 0
  const text = labelOf(device, duration.label)
  return (text === undefined ? undefined : durationMs(text)) ?? durationMs(duration.default) ?? 0
}

function labelOf(device: DeviceRecord, name: string): string | undefined {
  return Object.hasOwn(device.labels, name) ? device.labels[name] : undefined
}

/** Every `{"label", "default"}` of a rule. */
function labelsAsked(part: unknown): string[] {
  if (typeof part !== 'object' || part === null) return []
  const isReference = 'label' in part && 'default' in part && typeof part.label === 'string'
  return isReference ? [part.label as string] : Object.values(part).flatMap(labelsAsked)
}

/** Kinds that are given the device's labels or the interval of its profile. */
function usesDevice(parts: unknown): boolean {
  return labelsAsked(parts).length > 0 || usesLabels(parts) || asksIntervals(parts)
}

/** An expression that names no label is the same whatever they are. */
function usesLabels(part: unknown): boolean {
  return someObject(part, ({ kind, cel }) => kind === 'expression' && /\blabels\b/.test(String(cel)))
}

function asksIntervals(part: unknown): boolean {
  return someObject(part, (object) => 'intervals' in object)
}

function watchedRules(when: unknown): string[] {
  const found: string[] = []
  someObject(when, (object) => {
    const { kind, of } = object as { kind?: unknown; of?: { rule?: unknown } }
    if (kind === 'flapping' && typeof of?.rule === 'string') found.push(of.rule)
    return false
  })
  return found
}

function someObject(part: unknown, holds: (object: Record<string, unknown>) => boolean): boolean {
  if (typeof part !== 'object' || part === null) return false
  return (
    holds(part as Record<string, unknown>) || Object.values(part).some((inner) => someObject(inner, holds))
  )
}
