import fc from 'fast-check'
import { expect, test } from 'vitest'
import { visibleRows } from '../../../dashboard/components/visible-rows.ts'

test('of 5,000 rows a screenful is drawn, around the place of scrolling', () => {
  const rows = visibleRows(5_000, 40, { scrollTop: 100_000, heightPx: 600 })
  expect(rows).toEqual({ first: 2_488, end: 2_527, beforePx: 99_520, afterPx: 98_920 })
})

test('a list that fits is drawn whole', () => {
  expect(visibleRows(5, 40, { scrollTop: 0, heightPx: 600 })).toEqual({
    first: 0,
    end: 5,
    beforePx: 0,
    afterPx: 0,
  })
})

test('whatever the place, the height is that of all rows and what is in sight is drawn', () => {
  const place = fc.record({
    count: fc.nat(20_000),
    rowPx: fc.integer({ min: 20, max: 100 }),
    scrollTop: fc.nat(2_000_000),
    heightPx: fc.integer({ min: 1, max: 2_000 }),
  })
  fc.assert(
    fc.property(place, ({ count, rowPx, scrollTop, heightPx }) => {
      const { first, end, beforePx, afterPx } = visibleRows(count, rowPx, { scrollTop, heightPx })
      expect(beforePx + (end - first) * rowPx + afterPx).toBe(count * rowPx)
      const top = Math.min(scrollTop, Math.max(0, count * rowPx - heightPx))
      if (scrollTop === top && count > 0) {
        expect(first * rowPx).toBeLessThanOrEqual(top)
        expect(end * rowPx).toBeGreaterThanOrEqual(Math.min(count * rowPx, top + heightPx))
      }
      expect(end - first).toBeLessThanOrEqual(heightPx / rowPx + 26)
    }),
  )
})
