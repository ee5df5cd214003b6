/** What this needs of aedes' client. */
interface Subscriber {
  readonly subscriptions: Readonly<Record<string, unknown>>
}

/** Operators who watch telemetry. It reaches them as QoS 0: the durable path is the log, and a slow watcher must not hold it up. */
export class TelemetryWatchers<Client extends Subscriber> {
  readonly #publish: (topic: string, payload: Buffer) => Promise<void>
  readonly #watching = new Set<Client>()
  /**
   * Copies that were handed to aedes and have not reached every subscriber's socket: at most those of one group, since the next is
   * not forwarded to a socket that is full.
   */
  copiesInFlight = 0

  constructor(publish: (topic: string, payload: Buffer) => Promise<void>) {
    this.#publish = publish
  }

  /** The client is there, or has changed its subscriptions. */
  note(client: Client): void {
    const watches = Object.keys(client.subscriptions).some((filter) => /^(#|\+|devices\/)/.test(filter))
    if (watches) this.#watching.add(client)
    else this.#watching.delete(client)
  }

  forget(client: Client): void {
    this.#watching.delete(client)
  }

  copy(deviceId: string, payload: Buffer): void {
    if (this.#watching.size === 0 || deviceId === '') return
    this.copiesInFlight++
    const routed = () => {
      this.copiesInFlight--
    }
    this.#publish(`devices/${deviceId}/telemetry`, Buffer.from(payload)).then(routed, routed)
  }
}
