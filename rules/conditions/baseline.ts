import { z } from 'zod'
import { durationMs } from '../../domain/duration.ts'
import type { Value } from '../../domain/profile.ts'
import type { BaselineCondition } from '../rule.ts'
import {
  type CompileContext,
  type CompiledCondition,
  type ConditionKind,
  type Input,
  type Outcome,
  outcomes,
} from './condition.ts'
import { duration, metric, positiveDuration } from './fields.ts'
import { medianOf } from './median.ts'
import {
  addSample,
  dropUntil,
  finite,
  isFirstOfPart,
  noSamples,
  partLengthMs,
  type Samples,
} from './samples.ts'

const madParts = 256
const quarterMs = 15 * 60_000
/** Of `daily`, which keeps 96 samples a day. */
const dailyWindowMaxMs = 60 * 24 * 3_600_000

const fields = z.strictObject({
  kind: z.literal('baseline'),
  metric,
  method: z.enum(['mad', 'ewma', 'daily']).default('mad'),
  window: positiveDuration,
  k: z.number().positive().default(4),
  direction: z.enum(['both', 'above', 'below']).default('both'),
  warmup: duration.default('1d'),
  minSpread: z.number().nonnegative().default(0),
  timezone: z.string().max(64).refine(isTimeZone, 'not an IANA time zone').default('UTC'),
})

/** Distance from the device's own normal: docs/RULES.md, "baseline". */
export const baseline: ConditionKind<BaselineCondition, BaselineState> = {
  schema: fields.superRefine(({ method, window, timezone }, context) => {
    const problem = (field: string, message: string) =>
      context.addIssue({ code: 'custom', path: [field], message })
    if (method !== 'daily' && timezone !== 'UTC') problem('timezone', 'only beside method daily')
    const windowMs = durationMs(typeof window === 'string' ? window : window.default) ?? 0
    if (method === 'daily' && windowMs > dailyWindowMaxMs)
      problem('window', 'at most 60d beside method daily')
  }),
  reads: ({ metric }) => [{ path: ['metric'], metric }],
  compile: (condition, context) => new Baseline(condition, context),
}

/** What is normal of a device, and how far its readings usually lie from it. Each method keeps its own state. */
interface Model<S> {
  initial(): S
  /** The normal of the readings learned so far, as of `time`; undefined when there is none. */
  normal(state: S, time: number): Normal | undefined
  learn(state: S, time: number, value: number): void
}

interface Normal {
  readonly value: number
  readonly spread: number
}

export interface BaselineState {
  /** Time of the first reading. */
  first: number | null
  /** What the newest reading was compared with. */
  edge: number | null
  readonly model: unknown
}

class Baseline implements CompiledCondition<BaselineState> {
  readonly metrics: ReadonlySet<string>
  readonly windows = []
  readonly threshold: number
  readonly #metric: string
  readonly #model: Model<unknown>
  readonly #k: number
  readonly #direction: BaselineCondition['direction']
  readonly #warmupMs: number
  readonly #minSpread: number

  constructor(condition: BaselineCondition, context: CompileContext) {
    this.metrics = new Set([condition.metric])
    this.threshold = condition.k
    this.#metric = condition.metric
    this.#model = modelOf(condition, context)
    this.#k = condition.k
    this.#direction = condition.direction
    this.#warmupMs = context.duration(condition.warmup)
    this.#minSpread = condition.minSpread
  }

  initial(): BaselineState {
    return { first: null, edge: null, model: this.#model.initial() }
  }

  step(state: BaselineState, input: Input): Outcome {
    const value = input.number(this.#metric)
    if (value === undefined) return outcomes.unknown
    const { time } = input
    const normal = this.#model.normal(state.model, time)
    state.first ??= time
    const outcome =
      normal === undefined || time - state.first < this.#warmupMs
        ? outcomes.unknown
        : this.#judge(state, normal, value)
    this.#model.learn(state.model, time, value)
    return outcome
  }

  value(_state: BaselineState, input: Input): Value | undefined {
    return input.value(this.#metric)
  }

  /** The nearer edge; before the first that was judged there is none, and `k` stands for it. */
  thresholdOf(state: BaselineState): number {
    return state.edge ?? this.threshold
  }

  #judge(state: BaselineState, normal: Normal, value: number): Outcome {
    const spread = Math.max(normal.spread, this.#minSpread)
    const distance = value - normal.value
    const allowed = this.#k * spread
    const isAbove = this.#direction === 'above' || (this.#direction === 'both' && distance >= 0)
    state.edge = finite(normal.value + (isAbove ? allowed : -allowed))
    return (isAbove ? distance : -distance) > allowed ? outcomes.met : outcomes.cleared
  }
}

function modelOf({ method, timezone, window }: BaselineCondition, context: CompileContext): Model<unknown> {
  // A label may hold no length, or more than can be kept.
  const windowMs = Math.max(1, context.duration(window))
  if (method === 'ewma') return new Forgetting(windowMs)
  if (method === 'mad') return new Robust(windowMs)
  return new Daily(Math.min(windowMs, dailyWindowMaxMs), timezone)
}

interface ForgettingState {
  time: number | null
  mean: number
  variance: number
}

/** `ewma`. */
class Forgetting implements Model<ForgettingState> {
  readonly #windowMs: number

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  initial(): ForgettingState {
    return { time: null, mean: 0, variance: 0 }
  }

  normal({ time, mean, variance }: ForgettingState): Normal | undefined {
    return time === null ? undefined : { value: mean, spread: Math.sqrt(variance) }
  }

  learn(state: ForgettingState, time: number, value: number): void {
    if (state.time === null) {
      state.mean = value
    } else {
      const a = 1 - Math.exp(-(time - state.time) / this.#windowMs)
      const distance = finite(value - state.mean)
      state.mean += a * distance
      state.variance = finite((1 - a) * (state.variance + a * distance ** 2))
    }
    state.time = time
  }
}

/** Samples with their median and its deviation, which follow from them: calculated again only when they have changed. */
interface Learned extends Samples {
  isChanged: boolean
  normal: number
  spread: number
}

interface RobustState extends Learned {
  part: number
}

/** `mad`. */
class Robust implements Model<RobustState> {
  readonly #windowMs: number
  readonly #partMs: number

  constructor(windowMs: number) {
    this.#windowMs = windowMs
    this.#partMs = partLengthMs(windowMs, madParts)
  }

  initial(): RobustState {
    return { part: -1, ...nothingLearned() }
  }

  normal(state: RobustState, time: number): Normal | undefined {
    return normalOf(state, time, this.#windowMs)
  }

  learn(state: RobustState, time: number, value: number): void {
    if (isFirstOfPart(state, this.#partMs, time)) learnSample(state, time, value)
  }
}

interface DailyState {
  part: number
  /** By hour of the day. */
  readonly hours: Learned[]
}

/** `daily`. */
class Daily implements Model<DailyState> {
  readonly #windowMs: number
  readonly #hourOf: (time: number) => number

  constructor(windowMs: number, timezone: string) {
    this.#windowMs = windowMs
    this.#hourOf = hourIn(timezone)
  }

  initial(): DailyState {
    return { part: -1, hours: Array.from({ length: 24 }, nothingLearned) }
  }

  normal({ hours }: DailyState, time: number): Normal | undefined {
    return normalOf(hours[this.#hourOf(time)]!, time, this.#windowMs)
  }

  learn(state: DailyState, time: number, value: number): void {
    if (isFirstOfPart(state, quarterMs, time)) learnSample(state.hours[this.#hourOf(time)]!, time, value)
  }
}

function nothingLearned(): Learned {
  return { ...noSamples(), isChanged: false, normal: 0, spread: 0 }
}

function learnSample(learned: Learned, time: number, value: number): void {
  addSample(learned, time, value)
  learned.isChanged = true
}

let scratch = new Float64Array(2 * madParts)

/** Of the samples in (time − window, time). */
function normalOf(learned: Learned, time: number, windowMs: number): Normal | undefined {
  if (dropUntil(learned, time - windowMs)) learned.isChanged = true
  const { times, values } = learned
  // A reading of this very time may be the newest sample: it does not count yet, and what was calculated before it still holds.
  const count = times.at(-1) === time ? times.length - 1 : times.length
  if (count === 0) return undefined
  if (learned.isChanged && count === times.length) {
    if (count > scratch.length) scratch = new Float64Array(2 * count)
    for (let i = 0; i < count; i++) scratch[i] = values[i]!
    const normal = medianOf(scratch, count)
    for (let i = 0; i < count; i++) scratch[i] = Math.abs(values[i]! - normal)
    learned.normal = normal
    learned.spread = medianOf(scratch, count)
    learned.isChanged = false
  }
  return { value: learned.normal, spread: learned.spread }
}

/** One for each time zone in use: a formatter is large, and slow to make. */
const formatters = new Map<string, Intl.DateTimeFormat>()

/** The hour of the day, 0 to 23, in a time zone. */
function hourIn(timeZone: string): (time: number) => number {
  if (timeZone === 'UTC') return (time) => Math.floor(time / 3_600_000) % 24
  let formatter = formatters.get(timeZone)
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', hourCycle: 'h23' })
    formatters.set(timeZone, formatter)
  }
  const format = formatter
  // Formatting takes a microsecond. Offsets change on whole minutes.
  let minute = Number.NaN
  let hour = 0
  return (time) => {
    const given = Math.floor(time / 60_000)
    if (given !== minute) {
      minute = given
      hour = Number(format.format(time))
    }
    return hour
  }
}

/** A name, not an offset such as `+01:00`, which knows no daylight saving. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: name })
    return true
  } catch {
    return false
  }
}
