import { expect, test } from 'vitest'
import type { Fault } from '../../../simulators/faults/fault.ts'
import { player } from '../../../simulators/models/player.ts'

const minuteMs = 60_000
const onsetMs = Date.UTC(2026, 5, 3, 20)
const endMs = onsetMs + 10 * minuteMs
const outage = (device: string, severity = 1): Fault => ({
  id: `cdn_outage-${device}`,
  device,
  kind: 'cdn_outage',
  class: 'process',
  severity,
  onsetMs,
  endMs,
  parameters: { affected: 0.7 },
})
const players = (faultOf?: (id: string) => Fault) =>
  Array.from({ length: 500 }, (_, i) => {
    const id = `player-${i}`
    return player.create(3, id, faultOf === undefined ? {} : { faults: [faultOf(id)] })
  })
const waitingShare = (fleet: ReturnType<typeof players>, timeMs: number) =>
  fleet.filter((one) => (one.valuesAt(timeMs).rebuffer_pct as number) > 20).length / fleet.length

test('on its own a player waits now and then: hardly ever one in twenty at once, and each does some day', () => {
  const fleet = players()
  const shares = Array.from({ length: 200 }, (_, i) => waitingShare(fleet, onsetMs + i * 7 * minuteMs))
  expect(Math.max(...shares)).toBeLessThan(0.05)
  expect(shares.reduce((sum, share) => sum + share, 0) / 200).toBeGreaterThan(0.002)
})

test('in an outage as many wait as it affects, from when their buffers are empty until its end', () => {
  const fleet = players((id) => outage(id))
  expect(waitingShare(fleet, onsetMs + 9_999)).toBeLessThan(0.05)
  expect(waitingShare(fleet, onsetMs + 40_000)).toBeCloseTo(0.7, 1)
  expect(waitingShare(fleet, endMs - 1)).toBeCloseTo(0.7, 1)
  expect(waitingShare(fleet, endMs)).toBeLessThan(0.05)
  expect(
    waitingShare(
      players((id) => outage(id, 0.5)),
      endMs - 1,
    ),
  ).toBeCloseTo(0.35, 1)
})

test('it can be told of from the moment at which the buffer of a player is empty; others never show it', () => {
  let unaffected = 0
  for (const one of players((id) => outage(id))) {
    const { detectableFromMs: fromMs } = one.consequenceOf!(outage(one.id))
    const healthy = player.create(3, one.id)
    expect(one.valuesAt(fromMs - 1)).toEqual(healthy.valuesAt(fromMs - 1))
    if (fromMs === endMs) {
      unaffected++
      expect(one.valuesAt(endMs - minuteMs)).toEqual(healthy.valuesAt(endMs - minuteMs))
    } else expect(one.valuesAt(fromMs).bitrate_kbps).toBe(800)
  }
  expect(unaffected / 500).toBeCloseTo(0.3, 1)
})

test('percentages stay percentages', () => {
  for (const one of players((id) => outage(id)).slice(0, 50)) {
    for (let timeMs = onsetMs; timeMs < endMs; timeMs += 7_000) {
      const { rebuffer_pct: waited } = one.valuesAt(timeMs)
      expect(waited).toBeGreaterThanOrEqual(0)
      expect(waited).toBeLessThanOrEqual(100)
    }
  }
})
