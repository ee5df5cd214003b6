import { describe, expect, test } from 'vitest'
import { flapping } from '../../../rules/conditions/flapping.ts'
import { compiled, outcomesOf } from './drive.ts'
import { driveInputs, type GivenInput, outcomesOfInputs } from './drive-inputs.ts'

const ofRule = { kind: 'flapping', of: { rule: 'door' } }
const ofConnection = { kind: 'flapping', of: 'connection' }

/** A state of the rule for each letter, oldest first: `X` active, `.` not. */
function ruleInputs(states: string): GivenInput[] {
  return [...states].map((state, ts) => ({ ts, active: state === 'X' ? ['door'] : ['other'] }))
}

function judged(states: string, fields: object = {}) {
  return driveInputs(compiled({ ...ofRule, ...fields }), ruleInputs(states)).at(-1)!
}

/** The weights as docs/RULES.md gives them: 0.8 (oldest) … 1.2 (newest) in equal steps; of the comparisons that changed. */
function shareByDefinition(states: string): number {
  const last = states.slice(-21).padStart(21, states.at(-21) ?? states[0]!)
  let sum = 0
  for (let i = 0; i < 20; i++) if (last[i] !== last[i + 1]) sum += 0.8 + (0.4 * i) / 19
  return sum / 20
}

/** 21 states whose comparison i (0 is the oldest) is a change where it is among `changes`. */
function statesWith(changes: readonly number[]): string {
  let states = '.'
  for (let i = 0; i < 20; i++) {
    const isOn = states.at(-1) === 'X'
    states += isOn !== changes.includes(i) ? 'X' : '.'
  }
  return states
}

describe('the share of weighted changes', () => {
  test.each([
    ['one state', '.'],
    ['one state, active', 'X'],
    ['a change in the second state', '.X'],
    ['fewer than 21: the missing ones are no change', 'X.X.X'],
    ['only changes', '.X.X.X.X.X.X.X.X.X.X.'],
    ['none', 'XXXXXXXXXXXXXXXXXXXXX'],
    ['the oldest comparison', statesWith([0])],
    ['the newest comparison', statesWith([19])],
    ['what is older than 21 states is forgotten', `X.X.X.X.X${statesWith([3, 7])}`],
  ])('%s', (_name, states) => {
    expect(judged(states).value).toBeCloseTo(shareByDefinition(states), 12)
  })

  test('weighs the oldest comparison 0.8 and the newest 1.2, of 20 in all', () => {
    expect(judged(statesWith([0])).value).toBeCloseTo(0.8 / 20, 12)
    expect(judged(statesWith([19])).value).toBeCloseTo(1.2 / 20, 12)
    expect(judged('.X'.repeat(11)).value).toBe(1)
  })
})

describe('its edges', () => {
  // Two comparisons as far from the oldest as from the newest weigh 2 of 20 together.
  const half = [0, 19, 1, 18, 2, 17, 3, 16, 4, 15]

  test.each<[string, number[], string]>([
    ['exactly half is not met', half, 'between'],
    ['just over half is', [0, 19, 1, 18, 2, 17, 3, 16, 5, 15], 'met'],
    ['just under a quarter is cleared', [0, 19, 1, 18, 7], 'cleared'],
    ['just over a quarter is not', [0, 19, 1, 18, 10], 'between'],
  ])('%s', (_name, changes, expected) => {
    expect(judged(statesWith(changes)).outcome).toBe(expected)
  })

  test('exactly clear is not cleared', () => {
    expect(judged(statesWith([0, 19]), { clear: 0.1 }).outcome).toBe('between')
    expect(judged(statesWith([0, 18]), { clear: 0.1 }).outcome).toBe('cleared')
  })

  test('exactly above is not met, whatever it is', () => {
    expect(judged(statesWith([0, 19]), { above: 0.1, clear: 0.1 }).outcome).toBe('between')
    expect(judged(statesWith([1, 19]), { above: 0.1, clear: 0.1 }).outcome).toBe('met')
  })

  test('names the limit, 0.5 without another', () => {
    expect(judged('.').threshold).toBe(0.5)
    expect(judged('.', { above: 0.7 }).threshold).toBe(0.7)
  })
})

describe('of a connection', () => {
  test('a connect and a reading are online, a disconnect is offline', () => {
    const rounds = (kinds: GivenInput['kind'][]) =>
      Array.from({ length: 21 }, (_, ts) => ({ ts, kind: kinds[ts % kinds.length]! }))
    const share = (inputs: GivenInput[]) => driveInputs(compiled(ofConnection), inputs).at(-1)!.value
    expect(share(rounds(['connected', 'disconnected']))).toBe(1)
    expect(share(rounds(['reading', 'disconnected']))).toBe(1)
    expect(share(rounds(['connected', 'reading']))).toBe(0)
    expect(share(rounds(['disconnected']))).toBe(0)
  })

  test('begins at just over half and ends at under a quarter', () => {
    const inputs = Array.from({ length: 14 }, (_, ts) => ({
      ts,
      kind: (['connected', 'disconnected'] as const)[ts % 2]!,
    }))
    const calm = Array.from({ length: 12 }, (_, i) => ({ ts: 14 + i, kind: 'disconnected' as const }))
    const outcomes = outcomesOfInputs(compiled(ofConnection), [...inputs, ...calm])
    const expected = [...inputs, ...calm].map((_, i, all) => {
      const states = all.slice(0, i + 1).map(({ kind }) => (kind === 'connected' ? 'X' : '.'))
      const share = shareByDefinition(states.join(''))
      return share > 0.5 ? 'met' : share < 0.25 ? 'cleared' : 'between'
    })
    expect(outcomes).toEqual(expected)
    expect(new Set(outcomes)).toEqual(new Set(['cleared', 'between', 'met']))
  })

  test('is shown every reading and every change of the connection', () => {
    const { everyReading, onConnection, metrics } = compiled(ofConnection)
    expect([everyReading, onConnection, metrics.size]).toEqual([true, true, 0])
  })
})

describe('of a rule', () => {
  test('is shown neither every reading nor the connection', () => {
    const { everyReading, onConnection, metrics } = compiled(ofRule)
    expect([everyReading, onConnection, metrics.size]).toEqual([false, false, 0])
  })

  test('inside another condition notes a state at each reading that reaches the whole', () => {
    const within = { kind: 'any', of: [ofRule, { kind: 'threshold', metric: 'm', above: 8 }] }
    const inputs = Array.from({ length: 21 }, (_, ts) => ({
      ts,
      values: { m: 1 },
      active: ts % 2 === 0 ? ['door'] : [],
    }))
    expect(driveInputs(compiled(within), inputs).at(-1)).toMatchObject({ outcome: 'met', value: 1 })
  })
})

test('of a connection inside another: a reading of any metric reaches it', () => {
  const within = { kind: 'not', of: ofConnection }
  expect(outcomesOf(within, [{ ts: 0, values: { other: 1 } }])).toEqual(['met'])
})

test.each<[string, object, (string | number)[]]>([
  ['something else than a connection or a rule', { of: 'battery' }, ['of']],
  ['a rule whose id can be none', { of: { rule: 'No Such' } }, ['of', 'rule']],
  ['a clear above the limit', { above: 0.2 }, ['clear']],
  ['a share over 1', { above: 1.5 }, ['above']],
])('refuses %s', (_name, fields, path) => {
  const { error } = flapping.schema.safeParse({ ...ofConnection, ...fields })
  expect(error?.issues.map((issue) => issue.path)).toEqual([path])
})
