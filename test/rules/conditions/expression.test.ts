import { describe, expect, test } from 'vitest'
import type { Profile, Value } from '../../../domain/profile.ts'
import { expression, expressionProblems } from '../../../rules/conditions/expression.ts'
import type { ExpressionCondition } from '../../../rules/rule.ts'
import { compiled, drive, type GivenReading, inputOf, outcomesOf } from './drive.ts'
import { hostileExpressions } from './hostile-expressions.ts'

function written(cel: string): ExpressionCondition {
  return { kind: 'expression', cel }
}

function judged(cel: string, values: Record<string, Value>, labels: Record<string, string> = {}) {
  return outcomesOf(written(cel), [{ ts: 0, values }], { labels })[0]
}

describe('an expression', () => {
  test.each<[string, Record<string, Value>, string]>([
    ['t > 8.0', { t: 8.01 }, 'met'],
    ['t > 8.0', { t: 8 }, 'cleared'],
    ['t > 8.0 && !door_open', { t: 9, door_open: false }, 'met'],
    ['t > 8.0 && !door_open', { t: 9, door_open: true }, 'cleared'],
    ['t == 8.0', { t: 8 }, 'met'],
    ['door_open', { door_open: true }, 'met'],
    ['door_open', { door_open: 1 }, 'unknown'],
    ['mode == "eco"', { mode: 'eco' }, 'met'],
    ['mode.startsWith("e") && mode.size() == 3', { mode: 'eco' }, 'met'],
    ['mode in ["eco", "off"]', { mode: 'on' }, 'cleared'],
    ['(t - 32.0) * 5.0 / 9.0 > 100.0', { t: 213 }, 'met'],
    ['t > 1.0 ? low : high', { t: 2, low: true, high: false }, 'met'],
    ['t / 0.0 > 1.0', { t: 1 }, 'met'],
    ['t + mode > 1.0', { t: 1, mode: 'eco' }, 'unknown'],
    ['device == "device-1" && t > 0.0', { t: 1 }, 'met'],
    ['constructor > 1.0', { constructor: 2 }, 'met'],
    ['toString > 1.0', { toString: 1 }, 'cleared'],
  ])('%s of %j is %s', (cel, values, outcome) => {
    expect(judged(cel, values)).toBe(outcome)
  })

  test.each<[string, Record<string, string>, string]>([
    ['labels.site == "berlin" && on', { site: 'berlin' }, 'met'],
    ['labels["site"] == "berlin" && on', { site: 'rome' }, 'cleared'],
    ['labels.site == "berlin" && on', {}, 'unknown'],
    ['has(labels.site) && labels.site == "berlin" && on', {}, 'cleared'],
    ['"site" in labels && on', { site: '' }, 'met'],
    ['labels.constructor == "x" && on', {}, 'unknown'],
    ['labels.constructor == "x" && on', { constructor: 'x' }, 'met'],
    ['labels.site == "berlin" && on', { site: 'berlin', constructor: 'x' }, 'met'],
    ['has(labels.toString) && on', {}, 'cleared'],
    ['double(labels.max) < 5.0 && on', { max: '4' }, 'met'],
    ['double(labels.max) < 5.0 && on', { max: 'four' }, 'unknown'],
  ])('%s with labels %j is %s', (cel, labels, outcome) => {
    expect(judged(cel, { on: true }, labels)).toBe(outcome)
  })
})

describe('newest values', () => {
  const both = { kind: 'expression', cel: 't > 8.0 && !door_open' }
  const readings: GivenReading[] = [
    { ts: 0, values: { t: 9 } },
    { ts: 1000, values: { door_open: false } },
    { ts: 2000, values: { door_open: true, other: 1 } },
    { ts: 3000, values: { other: 1 } },
    { ts: 4000, values: { t: 1 } },
  ]

  test('come from several readings; without one of each metric nothing is said', () => {
    expect(drive(both, readings)).toEqual([
      { outcome: 'unknown', value: 9, threshold: both.cel },
      { outcome: 'met', value: false, threshold: both.cel },
      { outcome: 'cleared', value: true, threshold: both.cel },
      { outcome: 'cleared', value: 1, threshold: both.cel },
    ])
  })

  test('count when exactly maxAge old', () => {
    expect(outcomesOf({ ...both, maxAge: '1s' }, readings.slice(0, 2))).toEqual(['unknown', 'met'])
    expect(outcomesOf({ ...both, maxAge: '0.999s' }, readings.slice(0, 2))).toEqual(['unknown', 'unknown'])
  })
})

function never(): never {
  throw new Error('has no inner condition')
}

test('the metrics are the names that are neither labels nor device, in order, each once', () => {
  const condition = written('size(labels) > 1 && b > a && device != labels.x && a < 1.0')
  expect(expression.reads(condition)).toEqual([
    { path: ['cel'], metric: 'b' },
    { path: ['cel'], metric: 'a' },
  ])
  expect(compiled(condition).metrics).toEqual(new Set(['b', 'a']))
})

describe('what is refused whatever the profiles, and at which character', () => {
  test.each<[string, string, number]>([
    ['t >', 'Unexpected token', 4],
    ['t > 8.0 &&& b', 'Unexpected character', 11],
    ['t > 8', 'write 8.0', 5],
    ['8 < t', 'write 8.0', 1],
    ['t == -8', 'write 8.0', 7],
    ['t + 1 > 2.0', 'write 1.0', 5],
    ['t > 1.0 && t in [1, 2]', 'write 1.0', 18],
    ['t + 1.0', 'gives double', 1],
    ['t == "a" && 1.0', 'requires bool', 1],
    ['b && s.matches("a")', 'no function matches', 6],
    ['b && [b].all(x, x)', 'no function all', 6],
    ['b && foo(b)', 'no function foo', 6],
    ['t.value > 1.0', 'only labels has fields', 3],
    ['b && {"a": b}["a"]', 'only labels has fields', 6],
    ['b && int == int', 'int is a word of CEL', 6],
    ['_t > 1.0', 'cannot be the name of a metric', 1],
    ['time > 1.0', 'cannot be the name of a metric', 1],
    ['labels.site == "x"', 'names no metric', 1],
    ['b'.padEnd(1001), 'longer than 1000 characters', 1001],
    [Array(101).fill('b').join('&&'), 'maxAstNodes', 1],
    [`${'('.repeat(21)}b${')'.repeat(21)}`, 'maxDepth', 21],
  ])('%s', (cel, detail, character) => {
    const parsed = expression.schema.safeParse(written(cel))
    const issue = parsed.error?.issues.find(({ message }) => message.includes(detail))
    expect(issue, JSON.stringify(parsed.error?.issues)).toBeDefined()
    expect(issue!.path).toEqual(['cel'])
    expect(issue!.message).toContain(`(at character ${character})`)
  })

  test('exactly as long, wide and deep as allowed is not', () => {
    for (const cel of [
      'b'.padEnd(1000),
      Array(100).fill('b').join('&&'),
      `${'('.repeat(19)}b${')'.repeat(19)}`,
    ])
      expect(expression.schema.safeParse(written(cel)).error).toBeUndefined()
  })

  test('a bad maxAge is refused where it stands', () => {
    const parsed = expression.schema.safeParse({ ...written('b'), maxAge: 'old' })
    expect(parsed.error?.issues.map(({ path }) => path)).toEqual([['maxAge']])
  })
})

describe('what is refused for the profiles', () => {
  const fridge: Profile = {
    type: 'fridge',
    strict: false,
    tags: [],
    metrics: {
      t: { kind: 'gauge' },
      door_open: { kind: 'state', type: 'boolean' },
      mode: { kind: 'state', type: 'string' },
      any: { kind: 'state' },
    },
  }
  const generic: Profile = { type: 'generic', strict: false, tags: [], metrics: {} }
  const sealed: Profile = { ...generic, type: 'sealed', strict: true }
  const other: Profile = {
    ...fridge,
    type: 'other',
    metrics: { ...fridge.metrics, t: { kind: 'state', type: 'string' } },
  }

  test.each<[string, (Profile | undefined)[], string]>([
    ['door_open && tt > 1.0', [fridge], 'no metric tt in fridge (at character 14)'],
    ['tt > 1.0', [sealed], 'no metric tt in sealed (at character 1)'],
    ['t > "a"', [fridge], 'no such overload: double > string (at character 1)'],
    ['door_open && t', [fridge], "Logical operator requires bool operands, got 'double' (at character 1)"],
    ['t', [fridge], 'gives double, not true or false (at character 1)'],
    ['mode > 1.0', [fridge], 'no such overload: string > double (at character 1)'],
    ['t == 8', [fridge], 'numbers are not whole numbers here: write 8.0 (at character 6)'],
  ])('%s', (cel, profiles, detail) => {
    expect(expressionProblems(written(cel), profiles)).toEqual([detail])
  })

  test.each<[string, (Profile | undefined)[]]>([
    ['t > 8.0 && !door_open && mode == "eco" && any == 1.0', [fridge]],
    ['tt > 1.0', []],
    ['tt > 1.0', [generic]],
    ['tt > 1.0', [fridge, generic]],
    ['tt > 1.0', [fridge, undefined]],
    ['t > "a"', [fridge, other]],
    ['t > "a"', [fridge, generic]],
    ['t > "a"', []],
  ])('not %s of %j', (cel, profiles) => {
    expect(expressionProblems(written(cel), profiles)).toEqual([])
  })
})

describe('hostile expressions', () => {
  const hostile = hostileExpressions()
  const values = { m: 9, b: true, s: 'a'.repeat(256), constructor: 1, toString: 's', valueOf: false }

  test('are at least 300', () => {
    expect(new Set(hostile).size).toBeGreaterThanOrEqual(300)
  })

  /** Whatever the schema says, as if it had been left out. */
  function stepped(cel: string, values: Record<string, Value>): number {
    const context = {
      labels: { a: 'x' },
      expectedIntervalMs: undefined,
      limit: Number,
      duration: () => 0,
      compile: never,
    }
    const subject = expression.compile(written(cel), context)
    return subject.step(subject.initial({ beganAt: 0 }), inputOf({ ts: 0, values }, []))
  }

  test('are refused with a reason, and then do nothing, or are evaluated', () => {
    let refused = 0
    for (const cel of hostile) {
      const problems = expression.schema.safeParse(written(cel)).error?.issues ?? []
      for (const { path, message } of problems) {
        expect(path).toEqual(['cel'])
        expect(message.length).toBeLessThan(300)
      }
      const outcomes = [stepped(cel, values), stepped(cel, { m: 'text', b: 1, s: true })]
      if (problems.length > 0) expect(outcomes, cel).toEqual([-2, -2])
      else expect([-2, -1, 1], cel).toEqual(expect.arrayContaining(outcomes))
      if (problems.length > 0) refused++
    }
    expect(refused).toBeGreaterThan(200)
    expect(hostile.length - refused).toBeGreaterThan(50)
  })

  test('leave the prototypes as they were', () => {
    const before = Object.getOwnPropertyNames(Object.prototype)
    for (const cel of hostile) expressionProblems(written(cel), [])
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before)
    expect(({} as Record<string, unknown>).m).toBeUndefined()
  })
})
