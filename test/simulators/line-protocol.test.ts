import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Value } from '../../domain/profile.ts'
import { encodeLine, linePrefix } from '../../simulators/line-protocol.ts'
import { encodeLines } from '../../storage/line-protocol.ts'
import { batchOf } from '../support/reading-batches.ts'

const ts = Date.UTC(2026, 0, 1)

/** Text with whatever a line gives a meaning to. */
const text = fc.string({
  unit: fc.constantFrom('a', 'ß', '😀', ' ', ',', '=', '"', '\\', '\n', '\r', '\t', '#'),
})
const value: fc.Arbitrary<Value> = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.boolean(),
  text,
)

test('a line is byte for byte the one that the store writes of the same reading', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('fridge', 'smart_meter', 'generic'),
      fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,15}$/),
      text,
      fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/), value, { minKeys: 1 }),
      fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2100, 0, 1) - 1 }),
      (type, id, site, values, time) => {
        const stored = encodeLines(batchOf([{ device: id, type, tags: [['site', site]], time, values }]))
        const prefix = linePrefix({ id, type, labels: { site, room: 'kitchen' } })
        expect(encodeLine(prefix, { seq: 1, ts: time, values }, 'ms')).toBe(stored[0])
      },
    ),
  )
})

test('the tags are the labels that the profile of the type names; the others are not stored', () => {
  const labels = { site: 'berlin', room: 'kitchen' }
  expect(linePrefix({ id: 'a', type: 'fridge', labels })).toBe('fridge,device=a,site=berlin ')
  expect(linePrefix({ id: 'a', type: 'fridge', labels: {} })).toBe('fridge,device=a ')
  expect(linePrefix({ id: 'a', type: 'unheard_of', labels })).toBe('unheard_of,device=a ')
})

test('nanoseconds are the milliseconds with six zeros', () => {
  const reading = { seq: 1, ts: ts + 123, values: { v: 1 } }
  expect(encodeLine('a,device=b ', reading, 'ns')).toBe('a,device=b v=1 1767225600123000000')
  expect(encodeLine('a,device=b ', { ...reading, ts: 0 }, 'ns')).toBe('a,device=b v=1 0')
})

test('a value that is not there is no field, and a reading without any is no line', () => {
  const reading = { seq: 1, ts, values: { a: null, b: false, c: null, d: 'x"y' } }
  expect(encodeLine('t,device=a ', reading, 'ms')).toBe(`t,device=a b=false,d="x\\"y" ${ts}`)
  expect(encodeLine('t,device=a ', { ...reading, values: { a: null } }, 'ms')).toBeUndefined()
})
