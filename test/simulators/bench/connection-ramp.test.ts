import { expect, test } from 'vitest'
import { connectionRamp } from '../../../simulators/bench/connection-ramp.ts'

/** Connections that are let in or refused by hand, in the order in which they were begun. */
function doors(count: number) {
  const begun: { letIn(): void; refuse(error: Error): void }[] = []
  const connect = () =>
    new Promise<void>((resolve, reject) => begun.push({ letIn: () => resolve(), refuse: reject }))
  return { begun, connects: Array.from({ length: count }, () => connect) }
}
const options = (more: Partial<Parameters<typeof connectionRamp>[1]> = {}) => ({
  connectRate: 1e6,
  atOnceMax: 100,
  signal: new AbortController().signal,
  ...more,
})

test('no more than so many are on their way at once', async () => {
  const { begun, connects } = doors(7)
  const ramp = connectionRamp(connects, options({ atOnceMax: 3 }))
  await expect.poll(() => begun.length).toBe(3)
  begun[1]!.letIn()
  await expect.poll(() => begun.length).toBe(4)
  for (let next = 0; next < 7; next++) {
    await expect.poll(() => begun.length).toBeGreaterThan(next)
    expect(begun.length).toBeLessThanOrEqual(next + 4)
    begun[next]!.letIn()
  }
  const { outcomes } = await ramp
  expect(outcomes.every((outcome) => typeof outcome === 'number' && outcome >= 0)).toBe(true)
})

test('they begin no faster than the rate', async () => {
  const begunAt: number[] = []
  const startedAt = performance.now()
  const connects = Array.from(
    { length: 11 },
    () => async () => void begunAt.push(performance.now() - startedAt),
  )
  const { seconds } = await connectionRamp(connects, options({ connectRate: 100 }))
  begunAt.forEach((ms, i) => {
    expect(ms).toBeGreaterThanOrEqual(i * 10 - 1)
  })
  expect(seconds).toBeGreaterThan(0.099)
})

test('a refusal is an outcome and ends nothing', async () => {
  const { begun, connects } = doors(3)
  const connected: number[] = []
  const ramp = connectionRamp(connects, options({ onConnecting: (count) => connected.push(count) }))
  await expect.poll(() => begun.length).toBe(3)
  begun[0]!.letIn()
  begun[1]!.refuse(new Error('not today'))
  begun[2]!.letIn()
  const { outcomes } = await ramp
  expect(outcomes).toEqual([expect.any(Number), new Error('not today'), expect.any(Number)])
  expect(Math.max(...connected)).toBeLessThanOrEqual(2)
})

test('interrupted, it begins no more and waits for those begun', async () => {
  const { begun, connects } = doors(5)
  const interruption = new AbortController()
  const ramp = connectionRamp(connects, options({ atOnceMax: 2, signal: interruption.signal }))
  await expect.poll(() => begun.length).toBe(2)
  interruption.abort()
  for (const { letIn } of begun) letIn()
  const { outcomes } = await ramp
  expect(outcomes.map((outcome) => typeof outcome)).toEqual([
    'number',
    'number',
    'undefined',
    'undefined',
    'undefined',
  ])
  expect(begun).toHaveLength(2)
})
