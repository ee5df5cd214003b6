import { expect, test } from 'vitest'
import { ackP99, type CounterSample, ratesOf, withSample } from '../../../dashboard/state/rates.ts'

const sample = (s: number, acknowledged: number, ack: CounterSample['ack'] = []): CounterSample => ({
  at: s * 1_000,
  acknowledged,
  readingsStored: acknowledged * 5,
  ack,
})
const all = (...samples: CounterSample[]) => samples.reduce<CounterSample[]>(withSample, [])

test('rates are what came between two samples, a second', () => {
  expect(ratesOf(all(sample(0, 100), sample(2, 300), sample(6, 700)))).toEqual([
    { at: 2_000, messagesPerSecond: 100, readingsPerSecond: 500 },
    { at: 6_000, messagesPerSecond: 100, readingsPerSecond: 500 },
  ])
})

test('samples of more than five minutes ago are forgotten', () => {
  expect(all(sample(0, 1), sample(200, 2), sample(301, 3)).map(({ at }) => at)).toEqual([200_000, 301_000])
})

test('counters that went back are of another log: no rate below zero', () => {
  expect(ratesOf(all(sample(0, 1_000), sample(2, 5), sample(4, 15)))).toEqual([
    { at: 4_000, messagesPerSecond: 5, readingsPerSecond: 25 },
  ])
})

test('the latency is that of the last minute, and of all before where there was none in it', () => {
  const ack = (fast: number, slow: number) => [
    { le: 0.01, count: fast },
    { le: 1, count: fast + slow },
    { le: Number.POSITIVE_INFINITY, count: fast + slow },
  ]
  expect(
    ackP99(all(sample(0, 0, ack(0, 1_000)), sample(50, 0, ack(0, 1_000)), sample(100, 0, ack(500, 1_000)))),
  ).toBeLessThanOrEqual(0.01)
  expect(ackP99(all(sample(0, 0, ack(0, 1_000)), sample(30, 0, ack(0, 1_000))))).toBeGreaterThan(0.9)
  expect(ackP99([])).toBeUndefined()
})
