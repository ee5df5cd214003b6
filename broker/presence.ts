const lastSeenMax = 100_000

/** Which devices are connected, and when the others were last: in memory, since the start. */
export class Presence<Connection> {
  readonly #online = new Map<string, Connection>()
  readonly #lastSeenAt = new Map<string, number>()

  /** A later connection of the same device takes the place of an earlier one. */
  arrived(deviceId: string, connection: Connection): void {
    this.#online.set(deviceId, connection)
  }

  /** Nothing happens when another connection has taken its place. */
  left(deviceId: string, connection: Connection): void {
    if (this.#online.get(deviceId) !== connection) return
    this.#online.delete(deviceId)
    this.#lastSeenAt.delete(deviceId)
    this.#lastSeenAt.set(deviceId, Date.now())
    if (this.#lastSeenAt.size > lastSeenMax)
      this.#lastSeenAt.delete(this.#lastSeenAt.keys().next().value as string)
  }

  connection(deviceId: string): Connection | undefined {
    return this.#online.get(deviceId)
  }

  isOnline(deviceId: string): boolean {
    return this.#online.has(deviceId)
  }

  /** Unix ms of the last connection's end, or now while online; undefined when it was not seen since the start. */
  lastSeenAt(deviceId: string): number | undefined {
    return this.isOnline(deviceId) ? Date.now() : this.#lastSeenAt.get(deviceId)
  }

  /** Number of connected devices. */
  count(): number {
    return this.#online.size
  }
}
