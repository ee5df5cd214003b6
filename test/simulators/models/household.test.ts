import { expect, test } from 'vitest'
import { Household } from '../../../simulators/models/household.ts'
import { loadProfile } from '../../../simulators/models/load-profile.ts'
import { dayMs, dayOf, hourMs } from '../../../simulators/models/model.ts'

const homes = Array.from({ length: 500 }, (_, i) => ({
  mwh: 2 + (3 * i) / 499,
  household: new Household(3, `home-${i}`, 2_000 + (3_000 * i) / 499),
}))
const totalMwh = homes.reduce((sum, { mwh }) => sum + mwh, 0)

/** For each span of hours, how far the mean of the homes on these days is from the profile. */
function deviations(days: readonly number[], hoursEach: number): number[] {
  const whAt = (timeMs: number) =>
    homes.reduce((sum, { household }) => sum + household.at(timeMs).energyWh, 0)
  const spans = Array.from({ length: 24 / hoursEach }, () => ({ used: 0, profile: 0 }))
  for (const day of days) {
    let before = whAt(day)
    for (const [i, span] of spans.entries()) {
      const after = whAt(day + (i + 1) * hoursEach * hourMs)
      span.used += after - before
      const hours = loadProfile(dayOf(day)).slice(i * hoursEach, (i + 1) * hoursEach)
      span.profile += totalMwh * hours.reduce((sum, watts) => sum + watts, 0)
      before = after
    }
  }
  return spans.map(({ used, profile }) => used / profile - 1)
}

const every = (first: number, days: readonly number[]) => days.map((day) => first + day * dayMs)
const furthest = (of: number[]) => Math.max(...of.map(Math.abs))

test('the mean of 500 homes on 7 winter workdays is within 5 % of the load profile in each hour', () => {
  const monday = Date.UTC(2026, 10, 23)
  expect(furthest(deviations(every(monday, [0, 1, 2, 3, 4, 7, 8]), 1))).toBeLessThan(0.05)
})

test.each([
  ['winter Saturdays', Date.UTC(2026, 10, 28)],
  ['winter Sundays', Date.UTC(2026, 10, 29)],
  ['summer Saturdays', Date.UTC(2026, 5, 6)],
  ['summer Sundays', Date.UTC(2026, 5, 7)],
  ['summer Wednesdays', Date.UTC(2026, 5, 10)],
  ['Wednesdays in April', Date.UTC(2026, 3, 8)],
])('%s follow it too', (_, first) => {
  expect(furthest(deviations(every(first, [0, 7, 14, 21]), 2))).toBeLessThan(0.06)
})

test('a home differs from day to day as a Poisson process does, and from other homes', () => {
  const { household } = homes[250]!
  const monday = Date.UTC(2026, 8, 28)
  const days = Array.from({ length: 100 }, (_, i) => {
    const from = monday + i * dayMs
    return household.at(from + dayMs).energyWh - household.at(from).energyWh
  })
  const mean = days.reduce((sum, wh) => sum + wh, 0) / days.length
  const sd = Math.sqrt(days.reduce((sum, wh) => sum + (wh - mean) ** 2, 0) / days.length)
  expect(sd / mean).toBeGreaterThan(0.1)
  expect(sd / mean).toBeLessThan(0.35)
})

test('the power is constant up to the change that is announced', () => {
  const { household } = homes[100]!
  let timeMs = Date.UTC(2026, 10, 27)
  const endMs = timeMs + 2 * dayMs
  let changes = 0
  while (timeMs < endMs) {
    const nextMs = household.nextChangeMs(timeMs)
    const { powerW, energyWh } = household.at(timeMs)
    expect(household.at(nextMs - 1e-3).powerW).toBe(powerW)
    expect(household.at(nextMs).energyWh).toBeCloseTo(energyWh + (powerW * (nextMs - timeMs)) / hourMs, 4)
    timeMs = nextMs
    changes++
  }
  expect(changes).toBeGreaterThan(150)
})
