import { expect, test } from 'vitest'
import { SlidingWindow, WindowKind } from '../../rules/sliding-window.ts'

test('the mean of readings of two decimals that is a round number is that number, to the last bit', () => {
  let naive = 0
  for (let i = 0; i < 500; i++) {
    const hundredths = Array.from({ length: 9 }, (_, j) => 24_500 + (((i + 1) * (j + 7) * 7919) % 397) - 198)
    const last = 245_000 - hundredths.reduce((sum, value) => sum + value, 0)
    const values = [...hundredths, last].map((value) => value / 100)
    const window = new SlidingWindow(new WindowKind(600_000))
    values.forEach((value, j) => {
      window.add(1_732_000_000_000 + j * 60_000, value)
    })
    expect(window.at(1_732_000_540_000).mean()).toBe(245)
    if (values.reduce((sum, value) => sum + value, 0) / 10 !== 245) naive++
  }
  expect(naive).toBeGreaterThan(10)
})
