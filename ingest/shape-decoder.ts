import type { Shape } from '../domain/reading-batch.ts'
import { timeMax, timeMin } from './payload.ts'
import type { TypeRules } from './type-rules.ts'

/** One metric of the shape: the bytes of its key with the quotes, and what its values may be. */
interface Field {
  readonly key: Uint8Array
  readonly isBoolean: boolean
  readonly min: number
  readonly max: number
}

const comma = 0x2c
const minus = 0x2d
const point = 0x2e
const zero = 0x30
const nine = 0x39
const colon = 0x3a
const open = 0x7b
const close = 0x7d
const space = 0x20

/** Up to here every whole number is exact, and so is the quotient by a power of ten that is exact too. */
const digitsMax = 15
const powersOfTen = Array.from({ length: digitsMax + 1 }, (_, i) => 10 ** i)

const tsKey = Buffer.from('"ts"')
const seqKey = Buffer.from('"seq"')
const valuesKey = Buffer.from('"values"')
const trueWord = Buffer.from('true')
const falseWord = Buffer.from('false')

/**
 * Reads a valid message of one known shape straight from its bytes, as a device sends them one like the other: the same
 * metrics in the same order, plain numbers and booleans. Whatever is not that, valid or not, is for `decodePayload`, which
 * decides; so this may give up at any byte, and accepts only what the other would take with the same values
 * (test/ingest/shape-decoder.test.ts). Nothing is allocated for a message (docs/decisions/0014).
 */
export class ShapeDecoder {
  readonly shape: Shape
  /** Values of the last message that was read, one for each metric of the shape; booleans are 0 and 1. */
  readonly values: Float64Array
  /** Its `ts`, Unix ms; NaN when it had none. */
  ts = Number.NaN
  readonly #fields: readonly Field[]
  #at = 0

  private constructor(shape: Shape, fields: readonly Field[]) {
    this.shape = shape
    this.#fields = fields
    this.values = new Float64Array(fields.length)
  }

  /** Undefined for a shape with text, which needs unescaping, and for names that a plain `{metric: value}` gives a meaning. */
  static for(shape: Shape, rules: TypeRules): ShapeDecoder | undefined {
    const isSimple = shape.metrics.every((metric) => metric !== 'ts' && metric !== 'values')
    if (!isSimple || shape.metrics.length === 0 || shape.types.includes('s')) return undefined
    const fields = shape.metrics.map((metric, i) => {
      const { min, max } = rules.range(metric)
      return { key: Buffer.from(JSON.stringify(metric)), isBoolean: shape.types[i] === 'b', min, max }
    })
    return new ShapeDecoder(shape, fields)
  }

  /** Reads `bytes[start, end)` into `ts` and `values`; false when it is not such a message. */
  decode(bytes: Uint8Array, start: number, end: number): boolean {
    this.ts = Number.NaN
    this.#at = start
    if (!this.#takes(bytes, open)) return false
    const hasTs = this.#takesKey(bytes, tsKey)
    if (hasTs) {
      // A fraction or an exponent ends the digits early, and then the comma is missing.
      this.ts = this.#digits(bytes)
      if (!(this.ts >= timeMin && this.ts <= timeMax) || !this.#takes(bytes, comma)) return false
      if (this.#takesKey(bytes, seqKey)) {
        if (Number.isNaN(this.#digits(bytes)) || !this.#takes(bytes, comma)) return false
      }
    }
    const isWrapped = this.#takesKey(bytes, valuesKey)
    if (isWrapped ? !this.#takes(bytes, open) : hasTs) return false
    if (!this.#takesFields(bytes) || !this.#takes(bytes, close)) return false
    if (isWrapped && !this.#takes(bytes, close)) return false
    return this.#at === end
  }

  #takesFields(bytes: Uint8Array): boolean {
    const fields = this.#fields
    for (let i = 0; i < fields.length; i++) {
      const { key, isBoolean, min, max } = fields[i]!
      if (i > 0 && !this.#takes(bytes, comma)) return false
      if (!this.#takesKey(bytes, key)) return false
      const value = isBoolean ? this.#boolean(bytes) : this.#number(bytes)
      // NaN, what is no such value, is in no range.
      if (!(value >= min && value <= max)) return false
      this.values[i] = value
    }
    return true
  }

  /** Moves past `byte` and spaces before it. */
  #takes(bytes: Uint8Array, byte: number): boolean {
    while (bytes[this.#at] === space) this.#at++
    if (bytes[this.#at] !== byte) return false
    this.#at++
    return true
  }

  /** Moves past a key and its colon, or not at all. */
  #takesKey(bytes: Uint8Array, key: Uint8Array): boolean {
    const before = this.#at
    while (bytes[this.#at] === space) this.#at++
    if (this.#takesWord(bytes, key) && this.#takes(bytes, colon)) {
      while (bytes[this.#at] === space) this.#at++
      return true
    }
    this.#at = before
    return false
  }

  #takesWord(bytes: Uint8Array, word: Uint8Array): boolean {
    const at = this.#at
    for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false
    this.#at = at + word.length
    return true
  }

  #boolean(bytes: Uint8Array): number {
    if (this.#takesWord(bytes, trueWord)) return 1
    return this.#takesWord(bytes, falseWord) ? 0 : Number.NaN
  }

  /** A whole number without sign, of at most 15 digits; NaN when there is none. */
  #digits(bytes: Uint8Array): number {
    const start = this.#at
    let at = start
    let number = 0
    for (let byte = bytes[at]!; byte >= zero && byte <= nine; byte = bytes[++at]!) {
      number = number * 10 + (byte - zero)
    }
    this.#at = at
    const count = at - start
    // RFC 8259, section 6: no leading zeros.
    if (count === 0 || count > digitsMax || (count > 1 && bytes[start] === zero)) return Number.NaN
    return number
  }

  /** A decimal without exponent, of at most 15 digits: its value is then one division of two exact numbers, as exact as any. */
  #number(bytes: Uint8Array): number {
    const isNegative = bytes[this.#at] === minus
    if (isNegative) this.#at++
    const start = this.#at
    let number = this.#digits(bytes)
    if (bytes[this.#at] === point) {
      const whole = this.#at - start
      const from = ++this.#at
      let at = from
      for (let byte = bytes[at]!; byte >= zero && byte <= nine; byte = bytes[++at]!) {
        number = number * 10 + (byte - zero)
      }
      this.#at = at
      const decimals = at - from
      if (decimals === 0 || whole + decimals > digitsMax) return Number.NaN
      number /= powersOfTen[decimals]!
    }
    return isNegative ? -number : number
  }
}
