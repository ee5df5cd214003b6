import { describe, expect, test } from 'vitest'
import { at, minute } from './engine.ts'
import { Evaluation, fridge, storedRule } from './evaluation.ts'

const early = { ...fridge, createdAt: '1970-01-01T00:00:00.000Z' }
const absence = { kind: 'absence', metric: 'temperature_c', longerThan: '10m' } as const
const toldBy = ({ occurrences }: Evaluation) =>
  occurrences.map(({ instance, transition, time }) => `${instance.device.id} ${transition} ${time / minute}`)

describe('absence in a group that waits', () => {
  const rule = storedRule({ wait: '5m', when: { kind: 'group', atLeast: 1, of: absence } })

  test('is not shown by the clock where a reading that is held disproves it', () => {
    const evaluation = new Evaluation([rule], { devices: [early] })
    evaluation.giveAt(0, at(0, 1))
    evaluation.giveAt(8 * minute, at(8, 1))
    evaluation.advance(17 * minute)
    expect(toldBy(evaluation)).toEqual([])
  })

  test('ends when the clock lets go the reading that ends it', () => {
    const evaluation = new Evaluation([rule], { devices: [early] })
    evaluation.giveAt(0, at(0, 1))
    evaluation.giveAt(12 * minute, at(12, 1))
    evaluation.advance(18 * minute)
    expect(toldBy(evaluation)).toEqual(['group=all raised 10', 'group=all cleared 12'])
  })
})

test('readings that come after the clock let go give no two events of one id', () => {
  const warm = { kind: 'threshold', metric: 'temperature_c', above: 8 } as const
  const evaluation = new Evaluation([storedRule({ when: { kind: 'any', of: [absence, warm] } })], {
    devices: [early],
  })
  evaluation.giveAt(0, at(0, 1))
  evaluation.advance(11 * minute)
  evaluation.giveAt(11 * minute, at(9, 1), at(9.5, 9), at(9.8, 1), at(10, 9))
  const ids = evaluation.events.map(({ id }) => id)
  expect(ids).toHaveLength(5)
  expect(new Set(ids).size).toBe(5)
})

describe('absence that begins outside the schedule', () => {
  const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
  const schedule = { timezone: 'UTC', weekly: [{ days: [...days], from: '01:00', to: '02:00' }] }

  test.each([
    ['of a device', absence, 'fridge-1'],
    ['of a group', { kind: 'group', atLeast: 1, of: absence }, 'group=all'],
  ] as const)('%s is raised when that comes into force, also after a restart', (_name, when, subject) => {
    const evaluation = new Evaluation([storedRule({ when, schedule, for: '5m' })], { devices: [early] })
    evaluation.giveAt(0, at(0, 1))
    evaluation.advance(30 * minute)
    evaluation.restart()
    evaluation.advance(90 * minute)
    expect(toldBy(evaluation)).toEqual([`${subject} raised 65`])
  })

  test('is none when a reading came before that', () => {
    const evaluation = new Evaluation([storedRule({ when: absence, schedule })], { devices: [early] })
    evaluation.giveAt(0, at(0, 1))
    evaluation.advance(30 * minute)
    evaluation.giveAt(55 * minute, at(55, 1))
    evaluation.advance(64 * minute)
    expect(toldBy(evaluation)).toEqual([])
  })
})

describe('absence that begins while it is silenced', () => {
  const maintenance = [{ from: 0, to: 20 * minute }]
  const escalate = [{ after: '30m', severity: 'critical' }] as const

  test.each([
    ['of a device', absence, 'fridge-1'],
    ['of a group', { kind: 'group', atLeast: 1, of: absence }, 'group=all'],
  ] as const)('%s is announced when that ends, also after a restart', (_name, when, subject) => {
    const evaluation = new Evaluation([storedRule({ when, escalate })], { devices: [early], maintenance })
    evaluation.giveAt(0, at(0, 1))
    evaluation.advance(15 * minute)
    evaluation.restart()
    evaluation.advance(60 * minute)
    expect(toldBy(evaluation)).toEqual([`${subject} raised 20`, `${subject} escalated 40`])
  })

  test('is announced when the rule that suppressed it has ended', () => {
    const power = { kind: 'threshold', metric: 'power', equals: false } as const
    const rules = [
      storedRule({ id: 'power', when: power }),
      storedRule({ when: absence, suppressedBy: ['power'] }),
    ]
    const evaluation = new Evaluation(rules, { devices: [early] })
    evaluation.giveAt(0, { ts: 0, values: { temperature_c: 1, power: false } })
    evaluation.advance(15 * minute)
    evaluation.giveAt(20 * minute, { ts: 20 * minute, values: { power: true } })
    evaluation.advance(21 * minute)
    expect(toldBy(evaluation)).toEqual(['fridge-1 raised 0', 'fridge-1 cleared 20', 'fridge-1 raised 20'])
  })

  test('is not announced when a reading came before that', () => {
    const evaluation = new Evaluation([storedRule({ when: absence })], { devices: [early], maintenance })
    evaluation.giveAt(0, at(0, 1))
    evaluation.advance(15 * minute)
    evaluation.giveAt(19 * minute, at(19, 1))
    evaluation.advance(25 * minute)
    expect(toldBy(evaluation)).toEqual([])
  })
})
