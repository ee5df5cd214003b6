const nothing: Buffer = Buffer.alloc(0)

/**
 * The bytes that mqtt-packet's parser has not read yet, in place of its own list: that one is a whole stream, of some 1.2 KB for each
 * connection, and joins pieces, while a session hands over whole packets.
 */
export class ParserBytes {
  length = 0
  #bytes: Buffer = nothing

  append(bytes: Buffer): void {
    this.#bytes = this.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes])
    this.length = this.#bytes.length
  }

  /** Forgets the first `bytes`. */
  consume(bytes: number): void {
    this.#bytes = bytes >= this.length ? nothing : this.#bytes.subarray(bytes)
    this.length = this.#bytes.length
  }

  readUInt8(at: number): number {
    return this.#bytes.readUInt8(at)
  }

  readUInt16BE(at: number): number {
    return this.#bytes.readUInt16BE(at)
  }

  readUInt32BE(at: number): number {
    return this.#bytes.readUInt32BE(at)
  }

  toString(encoding: BufferEncoding, start: number, end: number): string {
    return this.#bytes.toString(encoding, start, end)
  }

  /** A view, as of the parser's own list where one piece holds it all. */
  slice(start: number, end: number): Buffer {
    return this.#bytes.subarray(start, end)
  }
}
