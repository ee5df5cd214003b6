/** What the splitter found at the start of the bytes it was given. */
export type Frame =
  /** A whole packet lies at [start, end); `body` is where its variable header begins. */
  | { readonly kind: 'packet'; readonly start: number; readonly body: number; readonly end: number }
  /** The packet is not complete; `bytes` is its whole length, or 0 while even that is unknown. */
  | { readonly kind: 'partial'; readonly bytes: number }
  | { readonly kind: 'too_large'; readonly bytes: number }
  | { readonly kind: 'malformed' }

const partialHeader: Frame = { kind: 'partial', bytes: 0 }
const malformed: Frame = { kind: 'malformed' }

/**
 * Reads the fixed header at `start` (MQTT 3.1.1 section 2.2): one byte of type and flags, then the remaining length as a
 * variable byte integer of at most four bytes. A packet longer than `packetBytesMax` is told as soon as its length is
 * known, before any of it is kept: aedes by itself would buffer the 256 MiB that a socket may declare.
 */
export function frameAt(bytes: Uint8Array, start: number, packetBytesMax: number): Frame {
  let at = start + 1
  let length = 0
  let scale = 1
  for (let digits = 0; digits < 4; digits++) {
    if (at >= bytes.length) return partialHeader
    const digit = bytes[at++]!
    length += (digit & 0x7f) * scale
    if ((digit & 0x80) === 0) {
      const end = at + length
      if (end - start > packetBytesMax) return { kind: 'too_large', bytes: end - start }
      if (end > bytes.length) return { kind: 'partial', bytes: end - start }
      return { kind: 'packet', start, body: at, end }
    }
    scale *= 128
  }
  return malformed
}

/** Joins the pieces of a packet that came in several reads, copying each byte once. */
export class PacketAssembler {
  #pieces: Buffer[] = []
  #bytes = 0
  #bytesNeeded = 0

  /** Bytes kept so far. */
  get bytes(): number {
    return this.#bytes
  }

  /** Keeps the start of a packet; `bytesNeeded` is its whole length, or 0 while unknown. */
  keep(piece: Buffer, bytesNeeded: number): void {
    if (piece.length === 0) return
    // A copy: the piece may be a small part of a large read that would otherwise stay in memory.
    this.#pieces.push(Buffer.from(piece))
    this.#bytes += piece.length
    this.#bytesNeeded = bytesNeeded
  }

  /** What was kept and `next` as one buffer, or undefined while the packet is still not whole. */
  join(next: Buffer): Buffer | undefined {
    if (this.#bytes === 0) return next
    if (this.#bytes + next.length < this.#bytesNeeded) {
      this.keep(next, this.#bytesNeeded)
      return undefined
    }
    const joined = Buffer.concat([...this.#pieces, next], this.#bytes + next.length)
    this.#pieces = []
    this.#bytes = 0
    return joined
  }
}
