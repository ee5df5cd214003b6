import { expect, test } from 'vitest'
import {
  drawnGroups,
  minuteOfEvent,
  readMinute,
  usualFunction,
  withMinutes,
} from '../../dashboard/live-series.ts'

const at = (minute: number) => `2026-11-23T12:0${minute}:00Z`
const minute = (number: number, values: Record<string, number>, closed = false) =>
  readMinute({ time: at(number), values, closed })

test('a minute that has changed takes its place, a new one its own, and what is too old goes', () => {
  const before = [minute(0, { all: 1 }, true), minute(1, { all: 2 }), minute(3, { all: 4 })]
  const changed = [minute(1, { all: 20 }, true), minute(2, { all: 3 })]
  expect(withMinutes(before, changed, Date.parse(at(1)))).toEqual([
    minute(1, { all: 20 }, true),
    minute(2, { all: 3 }),
    minute(3, { all: 4 }),
  ])
})

test('of a minute of the stream one function is taken, of groups of any name', () => {
  const text = `{"time":"${at(0)}","closed":false,"values":{"__proto__":{"sum":3,"mean":1.5,"min":1,"max":2,"count":2}}}`
  const read = minuteOfEvent(JSON.parse(text), 'mean')
  expect([...read.values]).toEqual([['__proto__', 1.5]])
  expect(minute(0, {}).values.get('constructor')).toBeUndefined()
})

test('where there are more groups than colours, those with the largest values are drawn, by name', () => {
  const minutes = [minute(0, { c: 1, a: 900, gone: 5 }), minute(1, { c: -70, b: 8, a: 9 })]
  expect(drawnGroups(minutes, 2)).toEqual({ drawn: ['a', 'c'], others: 2 })
  expect(drawnGroups(minutes, 6)).toEqual({ drawn: ['a', 'b', 'c', 'gone'], others: 0 })
})

test('loads have a sum, temperatures a mean', () => {
  expect(['W', 'kWh', '°C', '', undefined].map(usualFunction)).toEqual(['sum', 'sum', 'mean', 'mean', 'mean'])
})
