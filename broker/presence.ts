const lastSeenMax = 100_000

/** Which devices are connected, and when the others were last: in memory, since the start. */
export class Presence<Connection> {
  readonly #online = new Map<string, Connection>()
  readonly #lastSeenAt = new Map<string, number>()
  readonly #onChange: (deviceId: string, online: boolean) => void

  constructor(onChange: (deviceId: string, online: boolean) => void) {
    this.#onChange = onChange
  }

  /** A later connection of the same device takes the place of an earlier one, which thereby ends. */
  arrived(deviceId: string, connection: Connection): void {
    if (this.#online.has(deviceId)) this.#onChange(deviceId, false)
    this.#online.set(deviceId, connection)
    this.#onChange(deviceId, true)
  }

  /** Nothing happens when another connection has taken its place. */
  left(deviceId: string, connection: Connection): void {
    if (this.#online.get(deviceId) !== connection) return
    this.#online.delete(deviceId)
    this.#lastSeenAt.delete(deviceId)
    this.#lastSeenAt.set(deviceId, Date.now())
    if (this.#lastSeenAt.size > lastSeenMax)
      this.#lastSeenAt.delete(this.#lastSeenAt.keys().next().value as string)
    this.#onChange(deviceId, false)
  }

  /** Every connection is closed; what their sockets tell later changes nothing. */
  allLeft(): void {
    for (const [deviceId, connection] of [...this.#online]) this.left(deviceId, connection)
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
