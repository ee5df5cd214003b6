import { expect, test } from 'vitest'
import { BenchPayload, payloadBytesMax, payloadBytesMin } from '../../../simulators/bench/bench-payload.ts'

const ts = 1_795_640_400_000

test.each([payloadBytesMin, 201, 437, 438, 455, 456, 1_000, 65_536, payloadBytesMax])(
  'a message that is to have %d bytes has as many, whatever its number',
  (bytes) => {
    const payload = new BenchPayload(bytes)
    for (const seq of [1, 10, 99_999, 9_999_999_999]) {
      const text = payload.text(ts, seq)
      expect(Buffer.byteLength(text)).toBe(bytes)
      const message = JSON.parse(text)
      expect(message).toEqual({ ts, seq, values: payload.values(seq) })
    }
  },
)

test('it is filled with as few texts as Tidemark takes, each of 256 bytes at most', () => {
  for (let bytes = payloadBytesMin; bytes < 1_500; bytes++) {
    const texts = Object.entries(new BenchPayload(bytes).values(7)).filter(
      ([, value]) => typeof value === 'string',
    )
    expect(texts.length).toBeGreaterThan(0)
    const lengths = texts.map(([, text]) => String(text).length)
    expect(Math.max(...lengths)).toBeLessThanOrEqual(256)
    expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1)
  }
})

test('without a size it has five numbers and no text', () => {
  const text = new BenchPayload().text(ts, 5)
  expect(JSON.parse(text)).toEqual({
    ts,
    seq: 5,
    values: {
      active_power_w: 1234.5,
      voltage_v: 230.1,
      current_a: 5.37,
      frequency_hz: 50.01,
      energy_import_kwh: 5,
    },
  })
  expect(text.length).toBeLessThan(payloadBytesMin)
})
