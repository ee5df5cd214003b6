import type { Value } from '../domain/profile.ts'
import { type ReadingBatch, valueAt } from '../domain/reading-batch.ts'
import type { Input, PreviousNeed, PreviousReading, WindowView } from './conditions/condition.ts'

/** The metrics of a reading, and where each stands. Readings of one shape share it. */
export interface ReadingShape {
  readonly key: string
  readonly metrics: readonly string[]
  readonly index: ReadonlyMap<string, number>
}

const shapesMax = 10_000

/** Shapes by their metrics: the same object for the same list, as long as there are not too many. */
export class ReadingShapes {
  readonly #shapes = new Map<string, ReadingShape>()

  of(metrics: readonly string[]): ReadingShape {
    const key = metrics.join(' ')
    const found = this.#shapes.get(key)
    if (found !== undefined) return found
    if (this.#shapes.size >= shapesMax) this.#shapes.clear()
    const shape = { key, metrics: [...metrics], index: new Map(metrics.map((metric, i) => [metric, i])) }
    this.#shapes.set(key, shape)
    return shape
  }
}

/** What an input asks of whom it is shown for: what came before, and the alarms of other rules. */
export interface InputScope {
  window(metric: string, lengthMs: number, time: number): WindowView
  previous(need: PreviousNeed): PreviousReading | undefined
  isActive(rule: string): boolean
}

const nowhere: InputScope = {
  window: () => {
    throw new Error('a window was asked for outside a reading')
  },
  previous: () => undefined,
  isActive: () => false,
}

/** One input, used again for the next: a row of a batch, a held reading, a tick, or a change of the connection. */
export class ReadingInput implements Input {
  kind: Input['kind'] = 'tick'
  time = 0
  device = ''
  shape: ReadingShape | undefined
  scope: InputScope = nowhere
  #batch: ReadingBatch | undefined
  #first = 0
  #types = ''
  #values: readonly Value[] | undefined

  /** A row of a batch whose values begin at `first`. */
  showRow(
    batch: ReadingBatch,
    first: number,
    types: string,
    shape: ReadingShape,
    time: number,
    device: string,
  ): void {
    this.kind = 'reading'
    this.#batch = batch
    this.#first = first
    this.#types = types
    this.#values = undefined
    this.shape = shape
    this.time = time
    this.device = device
  }

  showValues(shape: ReadingShape, values: readonly Value[], time: number, device: string): void {
    this.kind = 'reading'
    this.#batch = undefined
    this.#values = values
    this.shape = shape
    this.time = time
    this.device = device
  }

  showMoment(kind: 'tick' | 'connected' | 'disconnected', time: number, device: string): void {
    this.kind = kind
    this.#batch = undefined
    this.#values = undefined
    this.shape = undefined
    this.time = time
    this.device = device
  }

  value(metric: string): Value | undefined {
    const at = this.shape?.index.get(metric)
    return at === undefined ? undefined : this.valueAt(at)
  }

  number(metric: string): number | undefined {
    const at = this.shape?.index.get(metric)
    return at === undefined ? undefined : this.numberAt(at)
  }

  /** The value at a place of the shape. */
  valueAt(at: number): Value | undefined {
    return this.#batch === undefined
      ? this.#values?.[at]
      : valueAt(this.#batch, this.#first + at, this.#types[at])
  }

  /** The number (or boolean as 0 or 1) at a place of the shape; undefined for a text. */
  numberAt(at: number): number | undefined {
    if (this.#batch !== undefined) {
      return this.#types.charCodeAt(at) === letterString ? undefined : this.#batch.values[this.#first + at]
    }
    const value = this.#values?.[at]
    return typeof value === 'string' || value === undefined ? undefined : Number(value)
  }

  window(metric: string, lengthMs: number): WindowView {
    return this.scope.window(metric, lengthMs, this.time)
  }

  previous(need: PreviousNeed): PreviousReading | undefined {
    return this.scope.previous(need)
  }

  isActive(rule: string): boolean {
    return this.scope.isActive(rule)
  }

  /** The values by metric: for what is held, and for evidence. */
  values(metrics?: ReadonlySet<string>): Record<string, Value> {
    const found: Record<string, Value> = Object.create(null)
    for (const metric of this.shape?.metrics ?? []) {
      const value = metrics === undefined || metrics.has(metric) ? this.value(metric) : undefined
      if (value !== undefined) found[metric] = value
    }
    return found
  }
}

const letterString = 's'.charCodeAt(0)
