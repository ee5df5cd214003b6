import type { Transmission } from '../transmission.ts'

interface Entry {
  readonly transmission: Transmission
  /** When it would have been sent, had nothing held it back: decides among those that are due together. */
  readonly meantMs: number
  readonly ordinal: number
}

/** What a device has yet to send, by when it is due, then by when it was meant to be sent, then by when it was added (a binary heap). */
export class DueQueue {
  readonly #heap: Entry[] = []
  #added = 0

  add(transmission: Transmission, meantMs: number): void {
    const heap = this.#heap
    const entry = { transmission, meantMs, ordinal: this.#added++ }
    let at = heap.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(entry, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = entry
  }

  /** Takes out what is due before `timeMs`, in order. */
  *dueBefore(timeMs: number): Generator<Transmission> {
    while (this.#heap.length > 0 && this.#heap[0]!.transmission.dueMs < timeMs) yield this.#take()
  }

  #take(): Transmission {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first.transmission
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (child >= heap.length || !isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first.transmission
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  const byDue = a.transmission.dueMs - b.transmission.dueMs
  return (byDue || a.meantMs - b.meantMs || a.ordinal - b.ordinal) < 0
}
