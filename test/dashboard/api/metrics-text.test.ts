import { Histogram, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import {
  bucketsSince,
  histogramBuckets,
  parseMetrics,
  quantile,
} from '../../../dashboard/api/metrics-text.ts'

function histogram() {
  const registry = new Registry()
  const made = new Histogram({ name: 'ack', help: 'h', buckets: [0.01, 0.1, 1], registers: [registry] })
  return { made, read: async () => histogramBuckets(parseMetrics(await registry.metrics()), 'ack') }
}

test('samples are found by name and labels', () => {
  const samples = parseMetrics('# HELP a h\n# TYPE a counter\na 3\nb{reason="ts.invalid"} 1.5e3\n\n')
  expect(Object.fromEntries(samples)).toEqual({ a: 3, 'b{reason="ts.invalid"}': 1_500 })
})

test('a quantile lies in its bucket, on a straight line', async () => {
  const { made, read } = histogram()
  for (let i = 0; i < 90; i++) made.observe(0.005)
  for (let i = 0; i < 10; i++) made.observe(0.05)
  const buckets = await read()
  expect(quantile(buckets, 0.9)).toBeCloseTo(0.01, 10)
  expect(quantile(buckets, 0.95)).toBeCloseTo(0.055, 10)
  expect(quantile(buckets, 0.45)).toBeCloseTo(0.005, 10)
})

test('what lies beyond the last bound is told as that bound, and nothing observed is nothing told', async () => {
  const { made, read } = histogram()
  expect(quantile(await read(), 0.99)).toBeUndefined()
  made.observe(50)
  expect(quantile(await read(), 0.99)).toBe(1)
})

test('between two moments only what came in between counts', async () => {
  const { made, read } = histogram()
  for (let i = 0; i < 1_000; i++) made.observe(0.5)
  const before = await read()
  for (let i = 0; i < 100; i++) made.observe(0.005)
  expect(quantile(bucketsSince(await read(), before), 0.99)).toBeLessThanOrEqual(0.01)
})
