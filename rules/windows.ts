import type { CompiledCondition, Stillness, WindowNeed } from './conditions/condition.ts'
import type { WindowChange, WindowName } from './instance.ts'
import type { Kept } from './kept.ts'
import { PreviousKinds, PreviousReadings } from './previous-readings.ts'
import { RingRoom } from './reading-ring.ts'
import { SlidingWindow, WindowKind } from './sliding-window.ts'

/** A kind of window of one metric, and its place among those of the same rules. */
interface PlacedKind {
  readonly metric: string
  readonly kind: WindowKind
  readonly at: number
}

/** What some conditions look back on, each once: the same for all devices of these rules. */
export class WindowKinds {
  readonly all: readonly PlacedKind[]
  readonly previous: PreviousKinds
  readonly #byMetric: ReadonlyMap<string, readonly PlacedKind[]>

  constructor(conditions: readonly Pick<CompiledCondition, 'windows' | 'previous'>[], readingsMax: number) {
    const needs = conditions.flatMap(({ windows }) => windows)
    this.previous = new PreviousKinds(conditions.flatMap(({ previous }) => previous ?? []))
    const all: PlacedKind[] = []
    const byMetric = new Map<string, PlacedKind[]>()
    for (const { metric, lengthMs } of needs) {
      const ofMetric = byMetric.get(metric) ?? []
      byMetric.set(metric, ofMetric)
      if (ofMetric.some(({ kind }) => kind.lengthMs === lengthMs)) continue
      const same = needs.filter((need) => need.metric === metric && need.lengthMs === lengthMs)
      const kind = new WindowKind(lengthMs, readingsMax, stillnessOf(same))
      const placed = { metric, kind, at: all.length }
      all.push(placed)
      ofMetric.push(placed)
    }
    this.all = all
    this.#byMetric = byMetric
  }

  /** Place of a window; undefined where none of the rules needs it. */
  placeOf(metric: string, lengthMs: number): number | undefined {
    return this.#byMetric.get(metric)?.find(({ kind }) => kind.lengthMs === lengthMs)?.at
  }
}

/** What all that ask for one window ask of it, where none of them asks for more than stillness. */
function stillnessOf(needs: readonly WindowNeed[]): Stillness | undefined {
  const asked = needs.flatMap(({ stillness }) => stillness ?? [])
  if (asked.length < needs.length) return undefined
  return {
    tolerance: Math.max(...asked.map(({ tolerance }) => tolerance)),
    minCount: Math.max(...asked.map(({ minCount }) => minCount)),
  }
}

/** Under which the previous readings are kept: as a window of no metric. */
const previousName = { metric: '', lengthMs: 0 }

/** The windows and previous readings that the rules of a lane share, or those of a member's condition. */
export class Windows {
  readonly kinds: WindowKinds
  /** In the order of the kinds. */
  readonly all: readonly SlidingWindow[]
  readonly previous: PreviousReadings
  readonly #room: RingRoom

  private constructor(
    kinds: WindowKinds,
    all: readonly SlidingWindow[],
    previous: PreviousReadings,
    room: RingRoom,
  ) {
    this.kinds = kinds
    this.all = all
    this.previous = previous
    this.#room = room
  }

  /** Windows with what is kept of them, or (of those that were there `before` some rules were edited) taken over. */
  static load(
    kinds: WindowKinds,
    { owner, device }: { readonly owner: string; readonly device: string },
    kept: Kept,
    before?: Windows,
  ): Windows {
    const room = before === undefined ? new RingRoom() : before.#room
    const all = kinds.all.map(({ metric, kind }) => {
      const name: WindowName = { owner, device, metric, lengthMs: kind.lengthMs }
      const taken = before?.get(metric, kind.lengthMs)
      return taken?.become(kind) ?? SlidingWindow.load(kind, kept.window(name), room)
    })
    for (const window of before?.all ?? []) if (!all.includes(window)) window.leave()
    const previous =
      before?.previous.become(kinds.previous) ?? loadPrevious(kinds.previous, { owner, device }, kept)
    return new Windows(kinds, all, previous, room)
  }

  get(metric: string, lengthMs: number): SlidingWindow | undefined {
    const at = this.kinds.placeOf(metric, lengthMs)
    return at === undefined ? undefined : this.all[at]
  }

  /** Whether something is to be kept under a name. */
  keeps({ metric, lengthMs }: Pick<WindowName, 'metric' | 'lengthMs'>): boolean {
    const isPrevious = metric === previousName.metric && lengthMs === previousName.lengthMs
    return isPrevious ? this.kinds.previous.all.length > 0 : this.get(metric, lengthMs) !== undefined
  }

  /** Adds to `changes` what has to be written for `load` to give these, since the last call. */
  takeDirty(owner: string, device: string, changes: WindowChange[]): void {
    for (const { metric, kind, at } of this.kinds.all) {
      for (const { start, bytes } of this.all[at]!.takeDirty())
        changes.push({ owner, device, metric, lengthMs: kind.lengthMs, start, bytes })
    }
    const bytes = this.previous.takeDirty()
    if (bytes !== undefined) changes.push({ owner, device, ...previousName, start: 0, bytes })
  }
}

function loadPrevious(
  kinds: PreviousKinds,
  of: { readonly owner: string; readonly device: string },
  kept: Kept,
): PreviousReadings {
  const [row] = kinds.all.length === 0 ? [] : kept.window({ ...of, ...previousName })
  return PreviousReadings.load(kinds, row?.bytes)
}
