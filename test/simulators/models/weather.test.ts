import { expect, test } from 'vitest'
import { gridFrequencyHz } from '../../../simulators/models/grid.ts'
import { coefficientOfPerformance, heatingW, heatPump } from '../../../simulators/models/heat-pump.ts'
import { dayMs, hourMs } from '../../../simulators/models/model.ts'
import { outdoorTemperatureC, weatherOf, yearTimeOf } from '../../../simulators/models/weather.ts'

const year = Date.UTC(2026, 0, 1)
const mean = (of: readonly number[]) => of.reduce((sum, n) => sum + n, 0) / of.length
const temperatures = (from: number, days: number, site = 'site') =>
  Array.from({ length: days * 24 }, (_, hour) => outdoorTemperatureC(1, site, from + hour * hourMs))

test('winter is cold, summer warm, the afternoon warmer than the early morning', () => {
  expect(mean(temperatures(Date.UTC(2026, 0, 1), 31))).toBeLessThan(4)
  expect(mean(temperatures(Date.UTC(2026, 6, 1), 31))).toBeGreaterThan(15)
  const atHour = (hour: number) => mean(temperatures(year, 365).filter((_, i) => i % 24 === hour))
  expect(atHour(15) - atHour(3)).toBeGreaterThan(4)
})

test('weather is common to a site, other at another, and the same each year', () => {
  const now = Date.UTC(2026, 4, 5, 12)
  expect(outdoorTemperatureC(1, 'a', now)).not.toBe(outdoorTemperatureC(1, 'b', now))
  expect(outdoorTemperatureC(1, 'a', Date.UTC(2031, 4, 5, 12))).toBe(outdoorTemperatureC(1, 'a', now))
})

test('temperature has no jump, at new year neither', () => {
  for (let t = Date.UTC(2026, 11, 30); t < Date.UTC(2027, 0, 3); t += 600_000) {
    const change = outdoorTemperatureC(1, 'site', t + 600_000) - outdoorTemperatureC(1, 'site', t)
    expect(Math.abs(change)).toBeLessThan(0.5)
  }
})

test('the cloud index is from 0.1 to 1.05, with clear and with grey days', () => {
  const weather = weatherOf(1, 'site')
  const indices = Array.from({ length: 8_760 }, (_, hour) =>
    weather.cloudIndex(yearTimeOf(year + hour * hourMs)),
  )
  for (const index of indices) {
    expect(index).toBeGreaterThanOrEqual(0.1)
    expect(index).toBeLessThanOrEqual(1.05)
  }
  expect(indices.filter((index) => index > 0.9).length).toBeGreaterThan(800)
  expect(indices.filter((index) => index < 0.35).length).toBeGreaterThan(800)
})

test('the frequency of the grid has the spread and the memory of its Ornstein–Uhlenbeck process', () => {
  // Off the steps too, where it is joined by lines: they raise the correlation a little.
  const hz = Array.from({ length: 20_000 }, (_, i) => gridFrequencyHz(1, year + i * 20_000) - 50)
  const variance = mean(hz.map((of) => of ** 2))
  expect(Math.abs(mean(hz))).toBeLessThan(0.001)
  expect(Math.sqrt(variance)).toBeGreaterThan(0.019)
  expect(Math.sqrt(variance)).toBeLessThan(0.021)
  for (const ago of [3, 6]) {
    const correlation = mean(hz.slice(ago).map((of, i) => of * hz[i]!)) / variance
    expect(Math.abs(correlation - Math.exp((-ago * 20) / 60))).toBeLessThan(0.08)
  }
})

test('a heat pump needs 3 to 4 times less than the heat it gives, and the less the milder it is', () => {
  expect(coefficientOfPerformance(30)).toBeCloseTo(6.81 - 3.63 + 0.567, 3)
  expect(coefficientOfPerformance(10)).toBe(coefficientOfPerformance(15))
  expect(coefficientOfPerformance(80)).toBe(coefficientOfPerformance(60))
  expect(heatingW(150, -10)).toBeGreaterThan(2 * heatingW(150, 5))
  expect(heatingW(150, 20)).toBeLessThan(50)
})

test('the register of a heat pump is the integral of its power, a year of it some thousands of kWh', () => {
  const device = heatPump.create(1, 'hp')
  const at = (timeMs: number) => device.valuesAt(timeMs) as Record<string, number>
  for (const from of [Date.UTC(2026, 10, 23), Date.UTC(2028, 11, 30, 12)]) {
    let wh = 0
    for (let t = from; t < from + 2 * dayMs; t += 60_000) wh += at(t).active_power_w! / 60
    const rise = at(from + 2 * dayMs).energy_import_kwh! - at(from).energy_import_kwh!
    expect(Math.abs(rise * 1000 - wh)).toBeLessThan(5)
  }
  const used = at(Date.UTC(2027, 0, 1)).energy_import_kwh! - at(year).energy_import_kwh!
  expect(used).toBeGreaterThan(2_000)
  expect(used).toBeLessThan(8_000)
})
