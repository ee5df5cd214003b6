import { expect, test } from 'vitest'
import {
  deviceOf,
  evaluationOf,
  giveAll,
  installedRules,
  type PackCase,
  type Phase,
  readingsOf,
  testHealthy,
  testPack,
} from './pack-drive.ts'

const row = (rule: string, is: string, plays: readonly Phase[], says: readonly string[]): PackCase => ({
  rule: `gas-co-${rule}`,
  is,
  every: '1m',
  plays,
  says,
  type: 'generic',
})
const ppm = (co_ppm: number) => ({ co_ppm })

testPack('gas', [
  row('alarm', 'at 50 ppm for exactly 60 minutes', [['61m', ppm(50)]], ['raised 60m']),
  row('alarm', 'at 50 ppm for less', [['60m', ppm(50)]], []),
  row('alarm', 'just under 50 ppm', [['5h', ppm(49.9)]], []),
  row('alarm', 'just over 50 ppm', [['61m', ppm(50.1)]], ['raised 60m']),
  row('alarm', 'at 100 ppm for exactly 10 minutes', [['11m', ppm(100)]], ['raised 10m']),
  row('alarm', 'at 100 ppm for less', [['10m', ppm(100)]], []),
  row('alarm', 'just under 100 ppm: as 50', [['61m', ppm(99.9)]], ['raised 60m']),
  row('alarm', 'at 300 ppm for exactly a minute', [['2m', ppm(300)]], ['raised 1m']),
  row('alarm', 'one reading of 300 ppm', [['1m', ppm(300)]], []),
  row('alarm', 'just under 300 ppm: as 100', [['11m', ppm(299.9)]], ['raised 10m']),
  row(
    'alarm',
    'cleared after 5 minutes of none',
    [
      ['2m', ppm(300)],
      ['6m', ppm(0)],
    ],
    ['raised 1m', 'cleared 7m'],
  ),
  row('alarm', 'at 30 ppm: never', [['5h', ppm(30)]], []),
  row('elevated', 'at 30 ppm for exactly 120 minutes', [['121m', ppm(30)]], ['raised 120m']),
  row('elevated', 'at 30 ppm for less', [['120m', ppm(30)]], []),
  row('elevated', 'just under 30 ppm', [['5h', ppm(29.9)]], []),
])

test('while the alarm is up, the lesser one is not announced', () => {
  const evaluation = evaluationOf(installedRules('gas'), deviceOf('generic'))
  giveAll(evaluation, readingsOf('1m', [['3h', ppm(60)]]))
  expect(evaluation.events.map(({ data }) => data.rule)).toEqual(['gas-co-alarm'])
})

// A kitchen: a few ppm, and a gas hob for half an hour.
testHealthy('gas', 'generic', () =>
  readingsOf('1m', [
    ['12h', ppm(2)],
    ['30m', ppm(15)],
    ['11h', ppm(2)],
  ]),
)
