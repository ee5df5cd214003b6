import { FilterTree } from './filter-tree.ts'

/** In aedes' shape; `rh`, `rap` and `nl` are what it keeps for a bridge. */
export interface KeptSubscription {
  readonly topic: string
  readonly qos: number
  readonly rh?: number
  readonly rap?: boolean
  readonly nl?: boolean
}

export interface Subscriber {
  readonly clientId: string
  readonly qos?: number
}

/**
 * Stands for the subscriptions of a session that has none: aedes tells the client of its session only where there are some. It is refused
 * like any that begins with `$`.
 */
export const noSubscriptions: KeptSubscription = Object.freeze({ topic: '$SYS/none', qos: 0 })

const bareSessionsMax = 10_000

/** The subscriptions of persistent sessions, and which sessions there are at all. */
export class SubscriptionStore {
  readonly #subscriptions = new Map<string, Map<string, KeptSubscription>>()
  /** Those at QoS 1 and 2: at QoS 0 nothing is kept for a client that is away. */
  readonly #tree = new FilterTree<Subscriber>()
  /** Sessions without subscriptions; the longest without is forgotten first. */
  readonly #bare = new Set<string>()

  /** The session of a client that has connected is there from now on; its subscriptions, or `noSubscriptions` where it was there before. */
  resume(clientId: string): KeptSubscription[] {
    const kept = this.#subscriptions.get(clientId)
    if (kept !== undefined) return [...kept.values()]
    const wasThere = this.#bare.has(clientId)
    this.#addBare(clientId)
    return wasThere ? [noSubscriptions] : []
  }

  /** [MQTT-3.8.4-3]: one with the same filter is replaced. */
  add(clientId: string, subscriptions: readonly KeptSubscription[]): void {
    const kept = this.#subscriptions.get(clientId) ?? new Map<string, KeptSubscription>()
    for (const { topic, qos, rh, rap, nl } of subscriptions) {
      kept.set(topic, { topic, qos, rh, rap, nl } as KeptSubscription)
      if (qos > 0) this.#tree.set(topic, clientId, { clientId, qos })
      else this.#tree.delete(topic, clientId)
    }
    if (kept.size === 0) return
    this.#subscriptions.set(clientId, kept)
    this.#bare.delete(clientId)
  }

  remove(clientId: string, filters: readonly string[]): void {
    const kept = this.#subscriptions.get(clientId)
    for (const filter of filters) if (kept?.delete(filter)) this.#tree.delete(filter, clientId)
    if (kept?.size !== 0) return
    this.#subscriptions.delete(clientId)
    this.#addBare(clientId)
  }

  end(clientId: string): void {
    for (const filter of this.#subscriptions.get(clientId)?.keys() ?? []) this.#tree.delete(filter, clientId)
    this.#subscriptions.delete(clientId)
    this.#bare.delete(clientId)
  }

  /** Each session once, at the highest QoS of those that match, [MQTT-3.3.5-1]. */
  matching(topic: string): Subscriber[] {
    const found = new Map<string, Subscriber>()
    for (const subscriber of this.#tree.match(topic)) {
      const before = found.get(subscriber.clientId)
      if (before === undefined || before.qos! < subscriber.qos!) found.set(subscriber.clientId, subscriber)
    }
    return [...found.values()]
  }

  #addBare(clientId: string): void {
    this.#bare.delete(clientId)
    this.#bare.add(clientId)
    if (this.#bare.size > bareSessionsMax) this.#bare.delete(this.#bare.keys().next().value as string)
  }
}
