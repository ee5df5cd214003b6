import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Profile } from '../../domain/profile.ts'
import { shippedProfiles } from '../../domain/shipped-profiles.ts'
import { type RuleCheck, validateRule } from '../../rules/rule-schema.ts'

const modes: Profile = {
  type: 'boiler',
  strict: true,
  tags: ['floor'],
  metrics: { mode: { kind: 'state', type: 'string' }, pressure_bar: { kind: 'gauge' } },
}
const profiles = new Map([...shippedProfiles, modes].map((profile) => [profile.type, profile]))
const least = {
  name: 'Fridge above 8 °C',
  class: 'maintenance',
  severity: 'major',
  when: { kind: 'threshold', metric: 'temperature_c', above: 8 },
}
const check = (fields: object): RuleCheck => validateRule({ ...least, ...fields }, { profiles })
const when = (limits: object, metric = 'temperature_c') => ({
  when: { kind: 'threshold', metric, ...limits },
})

/** Pointer and detail of each problem, as `pointer: detail`. */
function problems(checked: RuleCheck): string[] {
  return checked.ok ? [] : checked.errors.map(({ pointer, detail }) => `${pointer}: ${detail}`)
}

describe('what is taken', () => {
  test('the least rule gets every default and an id made from its name', () => {
    expect(check({})).toEqual({
      ok: true,
      metrics: ['temperature_c'],
      rule: {
        ...least,
        id: 'fridge-above-8-c',
        enabled: true,
        select: { types: [], labels: {}, devices: [] },
        for: '0s',
        keepFor: '0s',
        escalate: [],
        wait: '0s',
        gaps: 'hold',
        suppressedBy: [],
        message: '{device}: {rule} ({value}, limit {threshold})',
        labels: {},
      },
    })
  })

  test('every field of a rule, and those that the platform adds, which a client may send back', () => {
    const checked = check({
      id: 'fridge-too-warm',
      description: '…',
      enabled: false,
      select: { types: ['fridge'], labels: { site: 'berlin' }, devices: [] },
      ...when({ above: 8, clear: 7.5 }),
      for: '15m',
      keepFor: '5m',
      gaps: 'reset',
      escalate: [
        { after: '2h', severity: 'critical' },
        { after: { label: 'patience', default: '1d' }, severity: 'info' },
      ],
      actions: [],
      suppressedBy: ['site-power-down'],
      wait: '1d',
      message: '{device} in {site} is {value} °C (limit {threshold}) since {since}: {severity}',
      labels: { pack: 'cold-chain' },
      version: 3,
      createdAt: '2026-01-01T00:00:00Z',
      updatedAt: '2026-01-01T00:00:00Z',
      updatedBy: 'ci',
    })
    expect(checked).toMatchObject({ ok: true, rule: { id: 'fridge-too-warm', gaps: 'reset', wait: '1d' } })
    const dropped = ['version', 'createdAt', 'updatedAt', 'updatedBy', 'actions']
    expect(Object.keys((checked as { rule: object }).rule).filter((key) => dropped.includes(key))).toEqual([])
  })

  test.each([
    ['a limit from a label', when({ above: { label: 'max_c', default: 8 }, clear: 7.5 })],
    [
      'the label of a limit in the message',
      { ...when({ below: { label: 'min_c', default: 2 } }), message: '{min_c}' },
    ],
    ['outside with a margin', when({ outside: [2, 8], clear: [3, 7] })],
    ['outside with clear at its edges', when({ outside: [2, 8], clear: [2, 8] })],
    ['inside', when({ inside: [0, 4] })],
    ['equals false', when({ equals: false }, 'door_open')],
    [
      'equals 1 of a boolean, which is judged as 0 or 1',
      { select: { types: ['fridge'] }, ...when({ equals: 1 }, 'door_open') },
    ],
    ['text of a text metric', { select: { types: ['boiler'] }, ...when({ equals: 'off' }, 'mode') }],
    [
      'a metric of one of the selected types',
      { select: { types: ['room_sensor', 'fridge'] }, ...when({ above: 8 }, 'door_open') },
    ],
    ['any metric without types', when({ above: 1 }, 'anything')],
    [
      'any metric of a type without a profile',
      { select: { types: ['fridge', 'pump'] }, ...when({ above: 1 }, 'anything') },
    ],
    [
      'any metric of generic, which lists none',
      { select: { types: ['fridge', 'generic'] }, ...when({ above: 1 }, 'anything') },
    ],
    [
      'a tag of the selected type in the message',
      { select: { types: ['boiler'] }, ...when({ above: 1 }, 'pressure_bar'), message: '{floor}' },
    ],
    ['a label that selects, in the message', { select: { labels: { room: '12' } }, message: '{room}' }],
  ])('%s', (_name, fields) => {
    expect(problems(check(fields))).toEqual([])
  })

  test.each([
    ['Zähler: Überspannung!', 'zahler-uberspannung'],
    ['  A  b--c ', 'a-b-c'],
    [`${'a'.repeat(63)} b`, 'a'.repeat(63)],
  ])('the id of %j is %s', (name, id) => {
    expect(check({ name })).toMatchObject({ rule: { id } })
  })
})

describe('what is refused, and where', () => {
  test.each<[string, object, string]>([
    ['an unknown field', { nmae: 1 }, '/nmae: unknown field'],
    ['an unknown field within', { select: { type: 'x' } }, '/select/type: unknown field'],
    ['an unknown field of the condition', when({ above: 8, over: 9 }), '/when/over: unknown field'],
    [
      'an unknown field of a limit',
      when({ above: { label: 'x', default: 1, unit: 'C' } }),
      '/when/above/unit: unknown field',
    ],
    ['a bad id', { id: 'Too Warm' }, '/id: expected ^[a-z0-9]'],
    ['a name that gives no id', { name: '温度' }, '/id: no id can be made'],
    ['a class that is none', { class: 'comfort' }, '/class: '],
    ['no condition', { when: undefined }, '/when: expected a condition'],
    ['a kind that is none', { when: { kind: 'magic' } }, '/when/kind: expected one of threshold'],
    ['a bad metric name', when({ above: 1 }, 'time'), '/when/metric: not a metric name'],
    ['no limit', when({}), '/when: expected one of above, below'],
    ['two limits', when({ below: 2, above: 8 }), '/when/below: cannot stand beside above'],
    ['a limit in quotes', when({ above: '8' }), '/when/above: expected a number'],
    ['a label without a default', when({ above: { label: 'x' } }), '/when/above: expected a number'],
    ['outside the wrong way round', when({ outside: [8, 2] }), '/when/outside: the first number'],
    ['inside of nothing', when({ inside: [2, 2] }), '/when/inside: the first number'],
    ['clear over the limit', when({ above: 8, clear: 8.5 }), '/when/clear: must not be above'],
    [
      'clear over the default',
      when({ above: { label: 'x', default: 8 }, clear: 8.5 }),
      '/when/clear: must not be above',
    ],
    ['clear under the limit', when({ below: 2, clear: 1 }), '/when/clear: must not be below'],
    [
      'clear outside of outside',
      when({ outside: [2, 8], clear: [1, 7] }),
      '/when/clear: expected a range within',
    ],
    [
      'clear the wrong way round',
      when({ outside: [2, 8], clear: [7, 3] }),
      '/when/clear: expected a range within',
    ],
    ['one clear for two sides', when({ outside: [2, 8], clear: 5 }), '/when/clear: expected [low, high]'],
    ['two clears for one side', when({ above: 8, clear: [1, 2] }), '/when/clear: expected a number'],
    ['clear with equals', when({ equals: true, clear: 0 }), '/when/clear: only with'],
    ['a duration without a unit', { for: '15' }, '/for: expected a duration'],
    ['a duration as a number', { keepFor: 300 }, '/keepFor: expected a duration'],
    ['a wait of more than a day', { wait: '25h' }, '/wait: at most 1d (waitMsMax)'],
    ['a wait from a label', { wait: { label: 'x', default: '1m' } }, '/wait: expected a duration'],
    [
      'a webhook where there are none',
      { actions: [{ kind: 'webhook', url: 'https://a.example', secret: 's' }] },
      '/actions: no webhooks',
    ],
    ['suppression by itself', { id: 'x', suppressedBy: ['x'] }, '/suppressedBy/0: a rule cannot depend'],
    [
      'suppression by itself, under the id made from the name',
      { suppressedBy: ['fridge-above-8-c'] },
      '/suppressedBy/0: a rule cannot depend on itself',
    ],
    ['a name of two lines', { name: 'a\nb' }, '/name: control characters'],
    ['a name of blanks', { name: '  ', id: 'x' }, '/name: must not be blank'],
    ['a bad device', { select: { devices: ['ok', 'a/b'] } }, '/select/devices/1: not a device id'],
    ['a bad label name', { select: { labels: { 'a/b': 'x' } } }, '/select/labels/a~1b: not a label name'],
    [
      'a metric of no selected type',
      { select: { types: ['fridge'] }, ...when({ above: 1 }, 'voltage_v') },
      '/when/metric: fridge: no metric voltage_v',
    ],
    [
      'a number as text',
      { select: { types: ['fridge'] }, ...when({ equals: 'warm' }) },
      '/when/equals: temperature_c is never text',
    ],
    [
      'a limit of text',
      { select: { types: ['boiler'] }, ...when({ above: 1 }, 'mode') },
      '/when/above: mode is text',
    ],
    [
      'a placeholder that nothing fills',
      { message: '{device} {vlaue}' },
      '/message: unknown placeholder {vlaue}',
    ],
  ])('%s', (_name, fields, problem) => {
    expect(problems(check(fields))).toEqual([expect.stringContaining(problem)])
    expect(problems(check(fields))[0]!.startsWith(problem)).toBe(true)
  })

  test.each([null, undefined, [], 'rule', 7])('%o is not a rule', (input) => {
    expect(problems(validateRule(input, { profiles }))).toEqual([expect.stringMatching(/^: /)])
  })

  test('every problem is named at once', () => {
    const found = problems(check({ name: '', for: 'x', select: { types: ['Fridge'] } }))
    expect(found.map((problem) => problem.split(':')[0])).toEqual(['/name', '/select/types/0', '/for'])
  })
})

describe('text', () => {
  test.each([
    [
      'HTML, whose escaping is the business of who shows it',
      '<b onload=alert(1)>warm</b>',
      'b-onload-alert-1-warm-b',
    ],
    ['a path, of which the id keeps no dot and no slash', '../../etc/passwd', 'etc-passwd'],
    ['a pair of surrogates', 'warm 🔥', 'warm'],
    ['Arabic without marks', 'حرارة 8', '8'],
  ])('a name may be %s', (_name, name, id) => {
    expect(check({ name })).toMatchObject({ ok: true, rule: { name, id } })
  })

  test('a description may have lines and tabs, and no other control character', () => {
    expect(problems(check({ description: 'one\n\ttwo' }))).toEqual([])
    expect(problems(check({ description: 'one\u0007' }))).toEqual([expect.stringMatching(/^\/description: /)])
  })
})

test('at most 100 problems are told of one rule', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`field_${i}`, i]))
  expect(problems(check(many))).toHaveLength(100)
})

test('names of Object.prototype are names like any other', () => {
  const sent: unknown = JSON.parse(
    `{"name":"constructor","class":"health","severity":"info","__proto__":{"enabled":false},
      "when":{"kind":"threshold","metric":"toString","above":1},"select":{"types":["fridge"]}}`,
  )
  expect(problems(validateRule(sent, { profiles }))).toEqual(['/__proto__: unknown field'])
  const own = check({ ...when({ above: 1 }, 'toString'), select: { types: ['fridge'] } })
  expect(problems(own)).toEqual(['/when/metric: fridge: no metric toString'])
})

test('whatever is sent is answered with pointers, never with a throw', () => {
  const condition = fc.record(
    {
      kind: fc.constantFrom('threshold', 'rate', 1),
      metric: fc.string(),
      above: fc.jsonValue(),
      outside: fc.jsonValue(),
      clear: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  const fields = fc.record(
    {
      when: fc.oneof(condition, fc.jsonValue()),
      for: fc.string(),
      select: fc.jsonValue(),
      labels: fc.jsonValue(),
      message: fc.string(),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fields), (sent) => {
      const checked = validateRule(typeof sent === 'object' ? { ...least, ...sent } : sent, { profiles })
      if (checked.ok) return
      expect(checked.errors.length).toBeGreaterThan(0)
      for (const { pointer } of checked.errors) expect(pointer).toMatch(/^(\/([^~]|~[01])*)?$/)
    }),
    { numRuns: 1_000 },
  )
})
