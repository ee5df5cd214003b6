import { describe, expect, test } from 'vitest'
import { Evaluation, fridge, storedRule } from './evaluation.ts'

const device = (id: string, type: string, site: string) => ({ ...fridge, id, type, labels: { site } })
const devices = [
  device('meter-1', 'smart_meter', 'berlin'),
  device('fridge-1', 'fridge', 'berlin'),
  device('fridge-2', 'fridge', 'paris'),
]
const powerDown = storedRule({
  id: 'site-power-down',
  select: { types: ['smart_meter'], labels: {}, devices: [] },
  when: {
    kind: 'group',
    of: { kind: 'threshold', metric: 'voltage_v', below: 100 },
    by: 'site',
    atLeast: 1,
  },
})
const fridges = { types: ['fridge'], labels: {}, devices: [] }
const said = ({ occurrences }: Evaluation) =>
  occurrences.map(({ instance, transition, time }) => `${instance.device.id} ${transition} ${time}`)

describe('while a group is down', () => {
  const tooWarm = storedRule({ select: fridges, suppressedBy: ['site-power-down'] })
  const warm = (ts: number, id: string) => ({ ts, values: { temperature_c: 9 }, device: id })

  test('alarms of devices at its site are not announced, though the rule of the group selects none of them', () => {
    const evaluation = new Evaluation([powerDown, tooWarm], { devices })
    evaluation.give({ ts: 1, values: { voltage_v: 0 }, device: 'meter-1' })
    evaluation.give(warm(2, 'fridge-1'), warm(2, 'fridge-2'))
    expect(said(evaluation)).toEqual(['site=berlin raised 1', 'fridge-2 raised 2'])
    evaluation.restart()
    evaluation.give({ ts: 3, values: { voltage_v: 230 }, device: 'meter-1' })
    evaluation.give(warm(4, 'fridge-1'))
    expect(said(evaluation).slice(2)).toEqual(['site=berlin cleared 3', 'fridge-1 raised 4'])
  })

  test('nor is the alarm of the group of that name of another rule', () => {
    const manyWarm = storedRule({
      select: fridges,
      suppressedBy: ['site-power-down'],
      when: {
        kind: 'group',
        of: { kind: 'threshold', metric: 'temperature_c', above: 8 },
        by: 'site',
        atLeast: 1,
      },
    })
    const evaluation = new Evaluation([powerDown, manyWarm], { devices })
    evaluation.give({ ts: 1, values: { voltage_v: 0 }, device: 'meter-1' })
    evaluation.give(warm(2, 'fridge-1'), warm(2, 'fridge-2'))
    expect(said(evaluation)).toEqual(['site=berlin raised 1', 'site=paris raised 2'])
  })
})

test('with a wait a group is evaluated before the rules that it silences', () => {
  const wait = '1ms'
  const tooWarm = storedRule({ select: fridges, suppressedBy: ['site-warm'], wait })
  const siteWarm = storedRule({
    id: 'site-warm',
    select: fridges,
    wait,
    when: {
      kind: 'group',
      of: { kind: 'threshold', metric: 'temperature_c', above: 8 },
      by: 'site',
      atLeast: 1,
    },
  })
  const evaluation = new Evaluation([siteWarm, tooWarm], { devices })
  for (const ts of [1, 2, 3, 4]) evaluation.give({ ts, values: { temperature_c: 9 }, device: 'fridge-1' })
  expect(said(evaluation)).toEqual(['site=berlin raised 1'])
})

test('a group of flapping notices it with a wait as without one', () => {
  const flappingWithin = (wait: string) => {
    const watched = storedRule({ id: 'watched', select: fridges, wait })
    const many = storedRule({
      id: 'many',
      select: fridges,
      wait,
      when: {
        kind: 'group',
        of: { kind: 'flapping', of: { rule: 'watched' }, above: 0.2, clear: 0.1 },
        atLeast: 1,
      },
    })
    const evaluation = new Evaluation([watched, many], { devices })
    for (let ts = 1; ts <= 12; ts++)
      evaluation.give({ ts, values: { temperature_c: ts % 2 === 0 ? 9 : 5 }, device: 'fridge-1' })
    return said(evaluation).filter((line) => line.startsWith('group=all'))
  }
  expect(flappingWithin('0s')).toHaveLength(1)
  expect(flappingWithin('1ms')).toEqual(flappingWithin('0s'))
})
