import type { Value } from '../../domain/profile.ts'

const constants = { active_power_w: 1234.5, voltage_v: 230.1, current_a: 5.37, frequency_hz: 50.01 }
const constantText = JSON.stringify(constants).slice(1, -1)
/** Longest text that Tidemark takes as a value. */
const textBytesMax = 256
/** What a text metric takes beside its text: `,"padding_001":""`. */
const textOverheadBytes = 17

/** Sizes that `--payload-bytes` may ask for: room for five numbers and a text; names of three digits. */
export const payloadBytesMin = 200
export const payloadBytesMax = 262_144

interface Padding {
  readonly values: Readonly<Record<string, string>>
  readonly text: string
}

/** What `bench` sends: four constants and a register that counts the messages, then text up to `bytes`, if it is given. */
export class BenchPayload {
  readonly #bytes: number | undefined
  /** By length: it differs only by the digits of `seq`. */
  readonly #paddings = new Map<number, Padding>()

  constructor(bytes?: number) {
    this.#bytes = bytes
  }

  /** The message, `ts` in Unix ms. */
  text(ts: number, seq: number): string {
    const { text } = this.#padding(seq)
    return `{"ts":${ts},"seq":${seq},"values":{${constantText},"energy_import_kwh":${seq}${text}}}`
  }

  /** Its values, as a ledger has them. */
  values(seq: number): Readonly<Record<string, Value>> {
    return { ...constants, energy_import_kwh: seq, ...this.#padding(seq).values }
  }

  #padding(seq: number): Padding {
    if (this.#bytes === undefined) return none
    const bytes = this.#bytes - unpaddedBytes - 2 * String(seq).length
    let padding = this.#paddings.get(bytes)
    if (padding === undefined) {
      padding = paddingOf(bytes)
      this.#paddings.set(bytes, padding)
    }
    return padding
  }
}

const none: Padding = { values: {}, text: '' }
/** Without the digits of `seq`, which occur twice. */
const unpaddedBytes = new BenchPayload().text(1_700_000_000_000, 1).length - 2

/** Text metrics that take `bytes` in all, evenly: as few as the longest text allows. */
function paddingOf(bytes: number): Padding {
  const count = Math.ceil(bytes / (textOverheadBytes + textBytesMax))
  const textBytes = bytes - count * textOverheadBytes
  const values: Record<string, string> = {}
  for (let i = 0; i < count; i++) {
    const length = Math.floor(textBytes / count) + (i < textBytes % count ? 1 : 0)
    values[`padding_${String(i + 1).padStart(3, '0')}`] = 'x'.repeat(length)
  }
  return { values, text: `,${JSON.stringify(values).slice(1, -1)}` }
}
