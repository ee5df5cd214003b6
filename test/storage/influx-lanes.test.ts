import { expect, test } from 'vitest'
import { lanesOf } from '../../storage/influx-lanes.ts'
import { encodeLines } from '../../storage/line-protocol.ts'
import { batchOf } from '../support/reading-batches.ts'

const batches = [0, 1].map((b) =>
  batchOf(
    Array.from({ length: 60 }, (_, i) => ({
      device: `d${i % 7}`,
      type: 'generic',
      time: 1_000 * b + i,
      values: { v: i },
    })),
  ),
)
const lines = batches.map(encodeLines)

test('what fits one request is one lane, in order', () => {
  expect(lanesOf(batches, 120).map((lane) => lane.lines)).toEqual([lines.flat()])
})

test('more is two lanes: every line in one of them, with its place, and a device in one only, in order', () => {
  const lanes = lanesOf(batches, 119)
  expect(lanes).toHaveLength(2)
  const devicesOf = lanes.map((lane) => new Set(lane.lines.map((line) => /device=(\w+)/.exec(line)?.[1])))
  expect(devicesOf.map((devices) => devices.size).toSorted()).not.toContain(0)
  expect([...devicesOf[0]!].filter((device) => devicesOf[1]!.has(device))).toEqual([])
  for (const lane of lanes) {
    expect(lane.lines).toEqual(lane.rows.map(({ batch, row }) => lines[batch]![row]))
    const places = lane.rows.map(({ batch, row }) => batch * 1_000 + row)
    expect(places).toEqual(places.toSorted((a, b) => a - b))
  }
  expect(lanes.flatMap((lane) => lane.lines).toSorted()).toEqual(lines.flat().toSorted())
})
