/** What this needs of aedes' client. */
export interface Numbered {
  /** The identifier to try first for the next message to it. */
  _nextId: number
}

const messageIdMax = 65_535
const next = (id: number) => (id >= messageIdMax ? 1 : id + 1)

/**
 * Packet identifiers of the messages to each connection, [MQTT-2.3.1-4]: one that the client has not acknowledged is not given to another
 * message, which aedes by itself does once it has counted around.
 */
export class MessageIds {
  readonly #used = new WeakMap<Numbered, Set<number>>()

  /** An identifier that is not in use; undefined where all are. */
  take(client: Numbered): number | undefined {
    const used = this.#usedBy(client)
    if (used.size >= messageIdMax) return undefined
    let id = client._nextId
    while (used.has(id)) id = next(id)
    client._nextId = next(id)
    used.add(id)
    return id
  }

  /** The client's session had a message of this identifier that was not acknowledged. */
  hold(client: Numbered, id: number): void {
    this.#usedBy(client).add(id)
  }

  release(client: Numbered, id: number): void {
    this.#used.get(client)?.delete(id)
  }

  #usedBy(client: Numbered): Set<number> {
    const used = this.#used.get(client) ?? new Set<number>()
    this.#used.set(client, used)
    return used
  }
}
