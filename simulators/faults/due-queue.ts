import TinyQueue from 'tinyqueue'
import type { Transmission } from '../transmission.ts'

interface Entry {
  readonly transmission: Transmission
  /** When it would have been sent, had nothing held it back: decides among those that are due together. */
  readonly meantMs: number
  readonly ordinal: number
}

/** What a device has yet to send, by when it is due, then by when it was meant to be sent, then by when it was added. */
export class DueQueue {
  readonly #entries = new TinyQueue<Entry>([], byDue)
  #added = 0

  add(transmission: Transmission, meantMs: number): void {
    this.#entries.push({ transmission, meantMs, ordinal: this.#added++ })
  }

  /** Takes out what is due before `timeMs`, in order. */
  *dueBefore(timeMs: number): Generator<Transmission> {
    for (let next = this.#entries.peek(); next !== undefined; next = this.#entries.peek()) {
      if (next.transmission.dueMs >= timeMs) return
      this.#entries.pop()
      yield next.transmission
    }
  }
}

function byDue(a: Entry, b: Entry): number {
  return a.transmission.dueMs - b.transmission.dueMs || a.meantMs - b.meantMs || a.ordinal - b.ordinal
}
