import type { Value } from '../domain/profile.ts'
import type { PreviousNeed, PreviousReading } from './conditions/condition.ts'

interface PlacedNeed extends PreviousNeed {
  /** By which it is kept. */
  readonly key: string
  readonly at: number
}

/** Which previous readings some rules ask for, each once: the same for all devices of these rules. */
export class PreviousKinds {
  readonly all: readonly PlacedNeed[]
  /** What was found; one for all devices, which are shown a reading one after the other. */
  readonly found: { time: number; value: Value } = { time: 0, value: 0 }
  readonly #places = new Map<PreviousNeed, number>()

  constructor(needs: readonly PreviousNeed[]) {
    const all: PlacedNeed[] = []
    for (const need of needs) {
      const { metric, type } = need
      const key = `${type} ${metric}`
      const known = all.find((one) => one.key === key)
      const placed = known ?? { metric, type, key, at: all.length }
      if (known === undefined) all.push(placed)
      this.#places.set(need, placed.at)
    }
    this.all = all
  }

  /** Place of what one of the rules asks for. */
  placeOf(need: PreviousNeed): number {
    const at = this.#places.get(need)
    if (at === undefined) throw new Error(`no previous reading of ${need.metric} is kept`)
    return at
  }
}

const none = Number.NEGATIVE_INFINITY

/** The newest reading of each metric that rules of one device compare the next one with. */
export class PreviousReadings {
  readonly #kinds: PreviousKinds
  /** By place: the time (-Infinity: none) and the value. While all are numbers, V8 keeps them unboxed. */
  readonly #readings: Value[]
  #isDirty = false

  private constructor(kinds: PreviousKinds) {
    this.#kinds = kinds
    this.#readings = new Array(2 * kinds.all.length).fill(none)
  }

  /** As `takeDirty` wrote them; none without bytes. */
  static load(kinds: PreviousKinds, bytes: Buffer | undefined): PreviousReadings {
    return PreviousReadings.#of(kinds, bytes === undefined ? [] : JSON.parse(bytes.toString()))
  }

  static #of(kinds: PreviousKinds, saved: readonly SavedReading[]): PreviousReadings {
    const readings = new PreviousReadings(kinds)
    for (const [key, time, value] of saved) {
      const placed = kinds.all.find((one) => one.key === key)
      if (placed !== undefined) readings.#set(placed.at, time, value)
    }
    return readings
  }

  /** These, for the kinds that there are after some rules were edited. */
  become(kinds: PreviousKinds): PreviousReadings {
    return PreviousReadings.#of(kinds, this.#saved())
  }

  /** The newest that was noted, if it is later than `after`; good until the next question to any of the same kinds. */
  get(need: PreviousNeed, after: number): PreviousReading | undefined {
    const at = 2 * this.#kinds.placeOf(need)
    const time = this.#readings[at] as number
    if (time <= after) return undefined
    const { found } = this.#kinds
    found.time = time
    found.value = this.#readings[at + 1]!
    return found
  }

  /** Notes a reading for the next to come. */
  note(at: number, time: number, value: Value): void {
    this.#set(at, time, value)
    this.#isDirty = true
  }

  /** What has to be written for `load`, if anything changed since the last call. */
  takeDirty(): Buffer | undefined {
    if (!this.#isDirty) return undefined
    this.#isDirty = false
    return Buffer.from(JSON.stringify(this.#saved()))
  }

  #set(at: number, time: number, value: Value): void {
    this.#readings[2 * at] = time
    // JSON has no −0.
    this.#readings[2 * at + 1] = typeof value === 'number' ? value + 0 : value
  }

  #saved(): SavedReading[] {
    return this.#kinds.all
      .map(
        ({ key, at }): SavedReading => [key, this.#readings[2 * at] as number, this.#readings[2 * at + 1]!],
      )
      .filter(([, time]) => time !== none)
  }
}

type SavedReading = [key: string, time: number, value: Value]
