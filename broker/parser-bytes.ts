import { isUtf8 } from 'node:buffer'

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

  /**
   * A text of a packet; null where it is not well-formed UTF-8 or has U+0000 in it, [MQTT-1.5.3-1] and [MQTT-1.5.3-2]: the parser takes
   * that for a text that is cut off, and ends the connection.
   */
  toString(encoding: BufferEncoding, start: number, end: number): string | null {
    const text = this.#bytes.toString(encoding, start, end)
    if (text.includes('\u0000')) return null
    // What is ill-formed is read as U+FFFD, which may also be what was sent.
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(start, end))) return null
    return text
  }

  /** A view, as of the parser's own list where one piece holds it all. */
  slice(start: number, end: number): Buffer {
    return this.#bytes.subarray(start, end)
  }
}
