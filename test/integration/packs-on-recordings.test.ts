import { describe, expect, test } from 'vitest'
import { shippedProfiles } from '../../domain/shipped-profiles.ts'
import { Evaluation, type Given, storedRule } from '../rules/evaluation.ts'
import { deviceOf, installedRules } from '../rules/packs/pack-drive.ts'
import { datasetsDir } from '../support/datasets.ts'
import {
  type Foretold,
  foretell,
  inOrder,
  type Labels,
  type RecordedRow,
  recordedRows,
} from '../support/pack-oracle.ts'

const datasets = datasetsDir()
const readingsAtOnce = 1_000

/** What the installed pack says of the rows, with a restart after each thousand. */
function said(pack: string, type: string, rows: readonly RecordedRow[], labels: Labels): Foretold[] {
  const device = { ...deviceOf(type, labels), createdAt: new Date(rows[0]!.ts).toISOString() }
  const rules = installedRules(pack).map((rule) => storedRule(rule))
  const evaluation = new Evaluation(rules, { devices: [device], profiles: shippedProfiles })
  const readings = rows.map(({ ts, values }): Given => ({ ts, values, device: device.id }))
  for (let i = 0; i < readings.length; i += readingsAtOnce) {
    evaluation.give(...readings.slice(i, i + readingsAtOnce))
    evaluation.restart()
  }
  return inOrder(
    evaluation.events.map(({ time, data }) => ({
      rule: data.rule,
      state: data.state as Foretold['state'],
      time: Date.parse(time),
      since: Date.parse(data.since),
    })),
  )
}

const tally = (foretold: readonly Foretold[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { rule, state } of foretold) if (state === 'raised') counts[rule] = (counts[rule] ?? 0) + 1
  return counts
}

describe.runIf(datasets !== undefined)('real recordings', () => {
  const house = datasets === undefined ? [] : recordedRows(datasets, 'house')
  const room = datasets === undefined ? [] : recordedRows(datasets, 'room')

  test('are as long as they are known to be', () => {
    expect([house.length, room.length]).toEqual([19_444, 9_752])
  })

  test.each<[name: string, pack: 'electricity' | 'indoor-air', labels: Labels, rules: readonly string[]]>([
    // EN 50160 is kept: 228.2–251.7 V.
    ['the house', 'electricity', {}, []],
    [
      'the house with narrower limits',
      'electricity',
      { voltage_high_v: '245', voltage_low_v: '236', voltage_week_low_v: '237', power_factor_load_w: '200' },
      [
        'electricity-power-factor',
        'electricity-voltage-high',
        'electricity-voltage-low',
        'electricity-voltage-week',
      ],
    ],
    // Over 2,000 ppm and over category III for less than their durations only.
    ['the room', 'indoor-air', {}, ['indoor-air-co2-1000']],
    [
      'the room of category I',
      'indoor-air',
      { iaq_category: 'I' },
      ['indoor-air-co2-1000', 'indoor-air-co2-category-i'],
    ],
    [
      'the room of category II, with more CO2 outdoors',
      'indoor-air',
      { iaq_category: 'II', outdoor_co2_ppm: '450' },
      ['indoor-air-co2-1000', 'indoor-air-co2-category-ii'],
    ],
    ['the room of category III', 'indoor-air', { iaq_category: 'III' }, ['indoor-air-co2-1000']],
  ])('%s: the pack %s says exactly what a calculation over the CSV gives', (name, pack, labels, rules) => {
    const [type, rows] = pack === 'electricity' ? ['smart_meter', house] : ['room_sensor', room]
    const foretold = foretell(pack, rows, labels)
    process.stderr.write(`${name}, ${pack}: ${JSON.stringify(tally(foretold))}\n`)
    expect(Object.keys(tally(foretold)).sort()).toEqual(rules)
    expect(said(pack, type, rows, labels)).toEqual(foretold)
  })
})

if (datasets === undefined) test.skip('the recordings are not here: see TIDEMARK_DATASETS in test/README.md')
