import { describe, expect, test } from 'vitest'
import { conditionKinds, conditionSchema, kindOf } from '../../rules/condition-kinds.ts'

const warm = { kind: 'threshold', metric: 't', above: 8 }

function problems(condition: unknown): [pointer: string, message: string][] {
  const { error } = conditionSchema.safeParse(condition)
  return (error?.issues ?? []).map(({ path, message }) => [
    path.map((part) => `/${String(part)}`).join(''),
    message,
  ])
}

describe('a condition is checked by the schema of its kind', () => {
  test.each<[string, unknown, string]>([
    ['nothing', undefined, ''],
    ['null', null, ''],
    ['text', 'threshold', ''],
    ['a list', [warm], ''],
    ['no kind', { metric: 't', above: 8 }, '/kind'],
    ['a kind that does not exist', { kind: 'treshold', metric: 't', above: 8 }, '/kind'],
    ['a kind that every object has', { kind: 'constructor' }, '/kind'],
    ['a kind that is no text', { kind: ['threshold'] }, '/kind'],
    ['a field of another kind', { ...warm, window: '5m' }, ''],
    ['a bad field', { ...warm, metric: '1' }, '/metric'],
    [
      'a bad field within',
      { kind: 'not', of: { kind: 'all', of: [warm, { ...warm, above: 'x' }] } },
      '/of/of/1/above',
    ],
    ['a kind that does not exist within', { kind: 'all', of: [warm, { kind: 'nand' }] }, '/of/1/kind'],
    ['no object within', { kind: 'all', of: [8] }, '/of/0'],
    ['a missing condition within', { kind: 'not' }, '/of'],
    ['a reset that is none', { kind: 'cumulative', of: warm, longerThan: '1h', reset: null }, '/reset'],
    ['no condition at all within', { kind: 'any', of: [] }, '/of'],
    ['21 conditions within', { kind: 'any', of: Array.from({ length: 21 }, () => warm) }, '/of'],
    ['21 conditions within all', { kind: 'all', of: Array.from({ length: 21 }, () => warm) }, '/of'],
  ])('refuses %s', (_name, condition, pointer) => {
    expect(problems(condition).map(([at]) => at)).toEqual([pointer])
  })

  test('names the field that it does not know', () => {
    const { error } = conditionSchema.safeParse({ kind: 'not', of: { ...warm, abvoe: 8 } })
    expect(error?.issues).toMatchObject([{ code: 'unrecognized_keys', path: ['of'], keys: ['abvoe'] }])
  })

  test('tells of every problem', () => {
    const condition = { kind: 'all', of: [{ ...warm, above: 'x' }, { kind: 'nand' }, warm, null] }
    expect(problems(condition).map(([at]) => at)).toEqual(['/of/0/above', '/of/1/kind', '/of/3'])
  })

  test('takes 20 conditions within', () => {
    expect(problems({ kind: 'any', of: Array.from({ length: 20 }, () => warm) })).toEqual([])
  })

  test('fills in the defaults within', () => {
    const given = { kind: 'not', of: { kind: 'flapping', of: 'connection' } }
    const filled = { kind: 'not', of: { kind: 'flapping', of: 'connection', above: 0.5, clear: 0.25 } }
    expect(conditionSchema.parse(given)).toEqual(filled)
  })
})

describe('conditions within each other', () => {
  const nested = (depth: number): unknown => (depth === 1 ? warm : { kind: 'not', of: nested(depth - 1) })

  test('may be eight, no more; each check counts from its beginning', () => {
    expect(problems(nested(8))).toEqual([])
    expect(problems(nested(9))).toEqual([['/of'.repeat(8), 'at most 8 conditions within each other']])
    expect(problems(nested(8))).toEqual([])
  })

  test('may be thousands without exhausting the stack', () => {
    let condition: unknown = warm
    for (let i = 0; i < 100_000; i++) condition = { kind: 'not', of: condition }
    expect(problems(condition)).toHaveLength(1)
  })
})

test.each(['group', 'peers'])('refuses %s within another, by name', (kind) => {
  const message = `${kind} looks at other devices: it can only be a rule's own condition`
  expect(problems({ kind: 'all', of: [warm, { kind, of: warm }] })).toEqual([['/of/1/kind', message]])
})

test('lists the conditions within each, with their paths', () => {
  const [a, b] = [warm, { ...warm, metric: 'u' }]
  const pathsOf = (condition: unknown) => {
    const parsed = conditionSchema.parse(condition)
    return kindOf(parsed)
      .inner?.(parsed)
      .map(({ path, condition }) => [path.join('/'), condition])
  }
  expect(pathsOf({ kind: 'all', of: [a, b] })).toEqual([
    ['of/0', a],
    ['of/1', b],
  ])
  expect(pathsOf({ kind: 'any', of: [a, b] })).toEqual([
    ['of/0', a],
    ['of/1', b],
  ])
  expect(pathsOf({ kind: 'not', of: a })).toEqual([['of', a]])
  expect(pathsOf({ kind: 'repeated', of: a, times: 2 })).toEqual([['of', a]])
  expect(pathsOf({ kind: 'share', of: a, window: '1h', above: 0.1 })).toEqual([['of', a]])
  expect(pathsOf({ kind: 'cumulative', of: a, longerThan: '1h', reset: b })).toEqual([
    ['of', a],
    ['reset', b],
  ])
  expect(pathsOf({ kind: 'cumulative', of: a, longerThan: '1h' })).toEqual([['of', a]])
  expect(pathsOf({ kind: 'sequence', steps: [{ when: a }, { when: b }] })).toEqual([
    ['steps/0/when', a],
    ['steps/1/when', b],
  ])
})

test('each kind is listed under its own name', () => {
  for (const [name, { schema }] of Object.entries(conditionKinds)) {
    const { error } = schema.safeParse({ kind: 'another' })
    expect(
      error?.issues.some(({ path }) => path[0] === 'kind'),
      name,
    ).toBe(true)
  }
})
