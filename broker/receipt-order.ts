/** The place of a QoS 2 message among those of its connection whose PUBREC is still to come. */
interface Place {
  readonly messageId: number
  /** The router writes its PUBREC in the call of `release`; otherwise it comes in the same tick, but after the call. */
  readonly isRouted: boolean
  release?: () => void
}

interface Line {
  readonly places: Place[]
  /** PUBRECs that were released are written in this tick. */
  isBusy: boolean
}

/** PUBRECs of a connection leave in the order of its publishes: aedes writes each as soon as its message is routed. */
export class ReceiptOrder<Client extends object> {
  readonly #lines = new WeakMap<Client, Line>()

  /** A QoS 2 message has come. What lets its PUBREC go is handed to the place that it gets here, or to `routed`. */
  take(client: Client, messageId: number, isRouted: boolean): (release: () => void) => void {
    const line = this.#lines.get(client) ?? { places: [], isBusy: false }
    this.#lines.set(client, line)
    const place: Place = { messageId, isRouted }
    line.places.push(place)
    return (release) => {
      place.release = release
      this.#go(line)
    }
  }

  /** The router is done with a message: `release` is called once the PUBRECs before it are written. */
  routed(client: Client, messageId: number, release: () => void): void {
    const line = this.#lines.get(client)
    const place = line?.places.find((one) => one.isRouted && one.messageId === messageId && !one.release)
    if (line === undefined || place === undefined) return release()
    place.release = release
    this.#go(line)
  }

  #go(line: Line): void {
    while (line.places[0]?.release !== undefined && !(line.isBusy && line.places[0].isRouted)) {
      const { isRouted, release } = line.places.shift()!
      release!()
      if (isRouted || line.isBusy) continue
      line.isBusy = true
      setImmediate(() => {
        line.isBusy = false
        this.#go(line)
      })
    }
  }
}
