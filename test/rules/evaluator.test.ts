import { describe, expect, test } from 'vitest'
import { Evaluation, fridge, storedRule } from './evaluation.ts'

const minute = 60_000
const at = (minutes: number, value: number | boolean | string, metric = 'temperature_c') => ({
  ts: minutes * minute,
  values: { [metric]: value },
})
/** Readings of one rule, [minute, °C] each; the transitions as `raised 3`, in minutes. */
function told(rule: Parameters<typeof storedRule>[0], readings: [number, number][]): string[] {
  const evaluation = new Evaluation([storedRule(rule)])
  evaluation.give(...readings.map(([minutes, value]) => at(minutes, value)))
  return evaluation.occurrences.map(({ transition, time }) => `${transition} ${time / minute}`)
}
const hysteresis = { kind: 'threshold', metric: 'temperature_c', above: 8, clear: 7 } as const

describe('for', () => {
  test('0s raises at the first reading over the limit and once', () => {
    expect(
      told({}, [
        [0, 8],
        [1, 9],
        [2, 9],
      ]),
    ).toEqual(['raised 1'])
  })

  test('is reached at exactly its length', () => {
    expect(
      told({ for: '3m' }, [
        [0, 9],
        [2.999, 9],
        [3, 9],
      ]),
    ).toEqual(['raised 3'])
  })

  test('starts again after one reading that is at the limit', () => {
    expect(
      told({ for: '3m' }, [
        [0, 9],
        [2, 8],
        [3, 9],
        [5.9, 9],
        [6, 9],
      ]),
    ).toEqual(['raised 6'])
  })

  test('ends pending at a reading between clear and the limit: clear counts only once active', () => {
    expect(
      told({ for: '3m', when: hysteresis }, [
        [0, 9],
        [2, 7.5],
        [3, 9],
      ]),
    ).toEqual([])
  })

  test('is held by silence, however long', () => {
    expect(
      told({ for: '3m' }, [
        [0, 9],
        [600, 9],
      ]),
    ).toEqual(['raised 600'])
  })

  test('names the first reading of the episode as since', () => {
    const evaluation = new Evaluation([storedRule({ for: '3m' })])
    evaluation.give(at(0, 9), at(1, 8), at(2, 9), at(5, 9))
    expect(evaluation.occurrences).toMatchObject([{ since: 2 * minute, time: 5 * minute, value: 9 }])
  })
})

describe('keepFor', () => {
  test('0s clears at the first reading that is not over the limit', () => {
    expect(
      told({}, [
        [0, 9],
        [1, 8],
      ]),
    ).toEqual(['raised 0', 'cleared 1'])
  })

  test('is reached at exactly its length', () => {
    expect(
      told({ keepFor: '5m' }, [
        [0, 9],
        [1, 8],
        [5.999, 8],
        [6, 8],
      ]),
    ).toEqual(['raised 0', 'cleared 6'])
  })

  test('recovering is cancelled without an event and starts over', () => {
    const readings: [number, number][] = [
      [0, 9],
      [1, 8],
      [3, 9],
      [4, 8],
      [6, 8],
      [8.9, 8],
      [9, 8],
    ]
    expect(told({ keepFor: '5m' }, readings)).toEqual(['raised 0', 'cleared 9'])
  })

  test('recovering is cancelled by a reading between clear and the limit', () => {
    const readings: [number, number][] = [
      [0, 9],
      [1, 7],
      [5, 7.5],
      [6, 7],
      [10, 7],
      [11, 7],
    ]
    expect(told({ keepFor: '5m', when: hysteresis }, readings)).toEqual(['raised 0', 'cleared 11'])
  })

  test('an active alarm stays up between clear and the limit', () => {
    expect(
      told({ when: hysteresis }, [
        [0, 9],
        [1, 7.5],
        [2, 7.001],
        [3, 7],
      ]),
    ).toEqual(['raised 0', 'cleared 3'])
  })
})

describe('gaps: reset', () => {
  const steady: [number, number][] = [
    [0, 1],
    [1, 1],
    [2, 1],
    [3, 9],
    [4, 9],
  ]

  test('a gap of exactly 3 × the usual interval does not interrupt', () => {
    expect(told({ for: '4m', gaps: 'reset' }, [...steady, [7, 9]])).toEqual(['raised 7'])
  })

  test('a longer gap starts for again, and since with it', () => {
    const evaluation = new Evaluation([storedRule({ for: '4m', gaps: 'reset' })])
    for (const [minutes, value] of steady) {
      evaluation.give(at(minutes, value))
      evaluation.restart()
    }
    evaluation.give(at(7.1, 9), at(8, 9), at(10, 9), at(11.1, 9))
    expect(evaluation.occurrences).toMatchObject([{ since: 7.1 * minute, time: 11.1 * minute }])
  })

  test('an active alarm is not touched by a gap', () => {
    expect(told({ gaps: 'reset' }, [...steady, [100, 9], [101, 1]])).toEqual(['raised 3', 'cleared 101'])
  })
})

describe('order and time', () => {
  test('a reading older than the newest of its device changes nothing', () => {
    const evaluation = new Evaluation([storedRule()])
    evaluation.give(at(10, 1), at(9, 99), at(11, 1))
    expect(evaluation.said).toEqual([])
    evaluation.restart()
    evaluation.give(at(10.9, 99))
    expect(evaluation.said).toEqual([])
    expect(evaluation.evaluations).toBe(2)
  })

  test('it is older also when another metric was the newest', () => {
    const evaluation = new Evaluation([storedRule()])
    evaluation.give(at(10, 40, 'power_w'), at(9, 99))
    expect(evaluation.said).toEqual([])
  })

  test('a reading of the same time with another metric counts', () => {
    const evaluation = new Evaluation([storedRule()])
    evaluation.give(at(10, 40, 'power_w'), at(10, 99))
    expect(evaluation.said).toEqual(['raised@600000'])
  })

  test('a reading from the future is not evaluated and does not move the clock', () => {
    const evaluation = new Evaluation([storedRule()])
    evaluation.give({ ...at(1000, 99), future: true }, at(1, 9))
    expect(evaluation.said).toEqual(['raised@60000'])
  })

  test('two episodes that start at one time have different ids', () => {
    const evaluation = new Evaluation([storedRule()])
    evaluation.give(at(1, 9), at(1, 7), at(1, 9), at(1, 7))
    evaluation.restart()
    evaluation.give(at(1, 9))
    const ids = evaluation.events.map(({ id }) => id)
    expect(ids).toHaveLength(5)
    expect(new Set(ids).size).toBe(5)
  })
})

describe('which rules a reading reaches', () => {
  const devices = [
    fridge,
    { ...fridge, id: 'fridge-2', labels: { site: 'paris', max_c: '4' } },
    { ...fridge, id: 'room-1', type: 'room_sensor', labels: {} },
  ]
  const reached = (select: object) => {
    const rule = storedRule({ select: { types: [], labels: {}, devices: [], ...select } })
    const evaluation = new Evaluation([rule], { devices })
    for (const { id } of [...devices, { id: 'stranger' }]) evaluation.give({ ...at(1, 9), device: id })
    return evaluation.occurrences.map(({ instance }) => instance.device.id)
  }

  test('each given part of select must match; an empty one is any', () => {
    expect(reached({})).toEqual(['fridge-1', 'fridge-2', 'room-1'])
    expect(reached({ types: ['fridge'] })).toEqual(['fridge-1', 'fridge-2'])
    expect(reached({ types: ['fridge'], labels: { site: 'paris' } })).toEqual(['fridge-2'])
    expect(reached({ devices: ['room-1'] })).toEqual(['room-1'])
    expect(reached({ types: ['fridge'], devices: ['room-1'] })).toEqual([])
    expect(reached({ labels: { constructor: 'x' } })).toEqual([])
  })

  test('a metric that no rule mentions costs no evaluation, and rules that share one are all evaluated', () => {
    const other = storedRule({ id: 'cold', when: { kind: 'threshold', metric: 'temperature_c', below: 2 } })
    const evaluation = new Evaluation([storedRule(), other])
    evaluation.give({ ts: 1, values: { power_w: 40, temperature_c: 1, door_open: true } })
    expect(evaluation.evaluations).toBe(2)
    expect(evaluation.occurrences.map(({ instance }) => instance.rule.id)).toEqual(['cold'])
  })

  test('a disabled rule is not evaluated', () => {
    const evaluation = new Evaluation([storedRule({ enabled: false })])
    evaluation.give(at(1, 99))
    expect(evaluation.evaluations).toBe(0)
  })

  test('each device has its own limit and its own state', () => {
    const above = { label: 'max_c', default: 8 }
    const rule = storedRule({ when: { kind: 'threshold', metric: 'temperature_c', above } })
    const evaluation = new Evaluation([rule], { devices })
    evaluation.give({ ...at(1, 5), device: 'fridge-1' }, { ...at(1, 5), device: 'fridge-2' })
    expect(evaluation.events.map(({ data }) => [data.device, data.threshold])).toEqual([['fridge-2', 4]])
  })

  test('booleans and text reach their rules with their own type', () => {
    const door = storedRule({ id: 'door', when: { kind: 'threshold', metric: 'door_open', equals: true } })
    const mode = storedRule({ id: 'mode', when: { kind: 'threshold', metric: 'mode', equals: 'defrost' } })
    const evaluation = new Evaluation([door, mode])
    evaluation.give({ ts: 1, values: { mode: 'cooling', door_open: false } })
    evaluation.give({ ts: 2, values: { mode: 'defrost', door_open: true } })
    expect(evaluation.events.map(({ data }) => [data.rule, data.value, data.evidence])).toEqual([
      ['door', true, [{ ts: 2, door_open: true }]],
      ['mode', 'defrost', [{ ts: 2, mode: 'defrost' }]],
    ])
  })
})

describe('the bound of pairs', () => {
  const other = { id: 'a', when: { kind: 'threshold', metric: 'x', above: 1 } } as const

  test('is left: a rule that comes back finds the alarm that it had up', () => {
    const evaluation = new Evaluation([storedRule({ id: 'b' })], { pairsMax: 1 })
    evaluation.give(at(0, 9))
    evaluation.setRule(storedRule(other))
    evaluation.give(at(1, 9))
    evaluation.setRule(storedRule({ ...other, enabled: false }))
    evaluation.give(at(2, 1))
    expect(evaluation.said).toEqual([`raised@0`, `cleared@${2 * minute}`])
  })
})
