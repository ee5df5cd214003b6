/** An event that a webhook has read and not delivered yet. */
export interface OpenEvent {
  /** In the stream `events`. */
  readonly offset: number
  readonly alarm: string
  /** When the webhook read it, Unix ms: how long it has been tried counts from here. */
  readonly takenAt: number
  attempts: number
  /** Not before, Unix ms. */
  dueAt: number
  isInFlight: boolean
}

/** A place as it is kept: everything before `next` that is not open is finished. */
export interface KeptPlace {
  /** Offset of the next event to read. */
  readonly next: number
  readonly open: readonly (readonly [offset: number, alarm: string, takenAt: number, attempts: number])[]
}

/**
 * How far a webhook has come: where it reads on, and what it has read and not delivered. Events of one alarm leave in order;
 * while one is tried again, those of other alarms go on. No input or output.
 */
export class WebhookPlace {
  next: number
  /** Of each alarm the open events, oldest first: only the first may be sent. */
  readonly #lanes = new Map<string, OpenEvent[]>()
  #size = 0

  /** What had been in flight is due again at `nowMs`. */
  constructor({ next, open }: KeptPlace, nowMs: number) {
    this.next = next
    for (const [offset, alarm, takenAt, attempts] of [...open].sort(([a], [b]) => a - b)) {
      this.#add({ offset, alarm, takenAt, attempts, dueAt: nowMs, isInFlight: false })
    }
  }

  /** Number of open events. */
  get size(): number {
    return this.#size
  }

  /** Every event below this offset is finished. */
  get low(): number {
    let low = this.next
    for (const [first] of this.#lanes.values()) low = Math.min(low, first!.offset)
    return low
  }

  take(offset: number, alarm: string, nowMs: number): void {
    this.#add({ offset, alarm, takenAt: nowMs, attempts: 0, dueAt: nowMs, isInFlight: false })
  }

  /** The first open event of each alarm, unless it is in flight. */
  *heads(): Iterable<OpenEvent> {
    for (const [first] of this.#lanes.values()) if (!first!.isInFlight) yield first!
  }

  /** It is delivered, or given up: the next of its alarm is the first now. */
  finish(event: OpenEvent): void {
    const lane = this.#lanes.get(event.alarm)
    if (lane?.[0] !== event) throw new Error('only the first event of an alarm can be finished')
    lane.shift()
    this.#size--
    if (lane.length === 0) this.#lanes.delete(event.alarm)
  }

  kept(): KeptPlace {
    const open = [...this.#lanes.values()].flat()
    return {
      next: this.next,
      open: open.map(({ offset, alarm, takenAt, attempts }) => [offset, alarm, takenAt, attempts] as const),
    }
  }

  #add(event: OpenEvent): void {
    const lane = this.#lanes.get(event.alarm)
    if (lane === undefined) this.#lanes.set(event.alarm, [event])
    else lane.push(event)
    this.#size++
  }
}
