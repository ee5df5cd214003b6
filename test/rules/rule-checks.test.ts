import { describe, expect, test } from 'vitest'
import type { Profile } from '../../domain/profile.ts'
import { shippedProfiles } from '../../domain/shipped-profiles.ts'
import type { Rule } from '../../rules/rule.ts'
import { type RuleContext, validateRule } from '../../rules/rule-schema.ts'

const everySecond: Profile = {
  type: 'press',
  strict: false,
  tags: ['hall'],
  expectedInterval: '1s',
  metrics: { mode: { kind: 'state', type: 'string' }, force_n: { kind: 'gauge' }, state: { kind: 'state' } },
}
const { expectedInterval: _none, ...withoutInterval } = everySecond
const bare: Profile = { type: 'bare', strict: true, tags: [], metrics: {} }
const profiles = new Map(
  [...shippedProfiles, everySecond, { ...withoutInterval, type: 'odd_press' }, bare].map((p) => [p.type, p]),
)

const warm = { kind: 'threshold', metric: 'temperature_c', above: 8 }
const opened = { kind: 'threshold', metric: 'door_open', equals: true }
const least = { id: 'subject', name: 'Subject', class: 'health', severity: 'minor', when: warm }

/** Pointer and detail of each problem, as `pointer: detail`. */
function problems(fields: object, context: Partial<RuleContext> = {}): string[] {
  const checked = validateRule({ ...least, ...fields }, { profiles, ...context })
  return checked.ok ? [] : checked.errors.map(({ pointer, detail }) => `${pointer}: ${detail}`)
}

const on = (...types: string[]) => ({ select: { types } })
const forces = (fields: object) => ({ when: { metric: 'force_n', ...fields } })

describe('metrics', () => {
  test('are those of every condition, each once', () => {
    const of = [warm, opened, { kind: 'not', of: { ...warm, above: 9 } }]
    const checked = validateRule({ ...least, when: { kind: 'any', of } }, { profiles })
    expect(checked).toMatchObject({ ok: true, metrics: ['temperature_c', 'door_open'] })
  })

  test('are held against the profiles at every depth', () => {
    const when = { kind: 'all', of: [warm, { kind: 'not', of: { ...warm, metric: 'voltage_v' } }] }
    expect(problems({ ...on('fridge'), when })).toEqual(['/when/of/1/of/metric: fridge: no metric voltage_v'])
    expect(problems({ ...on('fridge', 'smart_meter'), when })).toEqual([])
  })

  test('of a strict profile that lists none are refused, whatever they are', () => {
    expect(problems(on('bare'))).toEqual(['/when/metric: bare: no metric temperature_c'])
  })

  test('of a named score may be missing, but not all of them', () => {
    const when = { kind: 'score', table: 'news2', above: 6 }
    expect(problems({ ...on('fridge'), when })).toEqual([])
    expect(problems({ ...on('water_meter'), when })).toEqual([
      expect.stringMatching(/^\/when\/table: water_meter: no metric .*spo2_pct/),
    ])
  })

  test('that are text cannot be calculated with, but they can be absent', () => {
    const mode = (fields: object) => problems({ ...on('press'), when: { metric: 'mode', ...fields } })
    expect(mode({ kind: 'rate', per: '1m', above: 1 })).toEqual([
      '/when/metric: mode is text: rate needs a number',
    ])
    expect(mode({ kind: 'absence', longerThan: '1h' })).toEqual([])
    expect(
      problems({ ...on('press'), when: { kind: 'rate', metric: 'state', per: '1m', above: 1 } }),
    ).toEqual([])
  })

  test('of which the first value decides the type may be anything', () => {
    const state = (fields: object) => problems({ ...on('press'), when: { metric: 'state', ...fields } })
    expect(state({ kind: 'rate', per: '1m', above: 1 })).toEqual([])
    for (const equals of ['on', 2, true]) expect(state({ kind: 'threshold', equals })).toEqual([])
  })
})

describe('windows', () => {
  const aggregate = (window: unknown) => forces({ kind: 'aggregate', fn: 'max', above: 1, window })

  test('may hold exactly the readings of the bound at the expected interval', () => {
    expect(problems({ ...on('press'), ...aggregate('100000s') })).toEqual([])
    expect(problems({ ...on('press'), ...aggregate('100001s') })).toEqual([
      '/when/window: 100,001 readings at the expected interval of press: ' +
        'at most 100,000 readings in a window (windowReadingsMax)',
    ])
  })

  test('are measured by the quickest of the selected types', () => {
    const when = { kind: 'stuck', metric: 'battery_pct', window: '300d' }
    expect(problems({ ...on('water_meter'), when })).toEqual([])
    expect(problems({ ...on('water_meter', 'room_sensor'), when })).toEqual([
      expect.stringMatching(/^\/when\/window: 432,000 readings at the expected interval of room_sensor/),
    ])
  })

  test('are left alone where the interval of a type is not known', () => {
    expect(problems(aggregate('300d'))).toEqual([])
    expect(problems({ ...on('press', 'odd_press'), ...aggregate('300d') })).toEqual([])
  })

  test('of a share may span a year at a reading a minute', () => {
    const when = { kind: 'share', of: warm, window: '365d', above: 0.005 }
    expect(problems({ ...on('fridge'), when })).toEqual([])
  })
})

describe('what can never come to an alarm', () => {
  const sequence = { kind: 'sequence', steps: [{ when: warm }, { when: opened }] }
  const counter = (event: string) =>
    forces({ kind: 'counter', event, max: event === 'implausible' ? undefined : 9 })

  test('is a sequence or a rollover that must hold', () => {
    expect(problems({ when: sequence, for: '1s' })).toEqual([
      '/for: a sequence is met at one reading and never at the next, so it cannot hold for longer than 0s',
    ])
    expect(problems({ ...counter('rollover'), for: '1s' })).toEqual([
      expect.stringMatching(/^\/for: a rollover/),
    ])
    expect(problems({ when: sequence, for: '0m' })).toEqual([])
  })

  test('is one of them that must be repeated, wherever it stands', () => {
    const twice = (of: unknown) => ({ kind: 'repeated', of, times: 2, for: '0s' })
    const detail = 'a sequence is met at one reading and never at the next: it is never repeated'
    expect(problems({ when: { kind: 'all', of: [warm, twice(sequence)] } } as never)).toEqual([
      `/when/of/1/of: ${detail}`,
    ])
    expect(problems({ ...counter('rollover'), when: twice(counter('rollover').when) } as never)).toEqual([
      '/when/of: a rollover is met at one reading and never at the next: it is never repeated',
    ])
    expect(problems({ ...counter('reverse'), when: twice(counter('reverse').when) } as never)).toEqual([])
  })

  test('is no other event of a counter: a register may fall many times running', () => {
    for (const event of ['reset', 'reverse']) expect(problems({ ...counter(event), for: '1h' })).toEqual([])
  })

  test('is no sequence within another condition, which keeps its outcome', () => {
    expect(problems({ when: { kind: 'not', of: sequence }, for: '1d' })).toEqual([])
  })

  test('gaps that reset cannot stand beside an absence at any depth', () => {
    const absence = { kind: 'absence', longerThan: '1h' }
    expect(problems({ when: { kind: 'any', of: [warm, absence] }, gaps: 'reset' })).toEqual([
      '/gaps: absence waits for gaps: only hold can stand beside it',
    ])
    expect(problems({ when: absence, for: '1h', keepFor: '1h' })).toEqual([])
  })
})

describe('messages', () => {
  test('may name the labels that the rule reads anywhere', () => {
    const named = (label: string, value: unknown) => ({ label, default: value })
    const when = {
      kind: 'cumulative',
      of: { kind: 'threshold', metric: 'temperature_c', above: named('max_c', 8) },
      longerThan: named('patience', '1h'),
    }
    const fields = {
      when,
      for: named('grace', '1m'),
      keepFor: named('calm', '1m'),
      escalate: [{ after: named('late', '1h'), severity: 'critical' }],
    }
    expect(problems({ ...fields, message: '{max_c} {patience} {grace} {calm} {late}' })).toEqual([])
    expect(problems({ message: '{max_c}' })).toEqual([expect.stringMatching(/^\/message: .*\{max_c\}/)])
  })

  test('may name the label that makes groups and peers', () => {
    const group = { kind: 'group', of: warm, by: 'site_row', atLeast: 2 }
    expect(problems({ when: group, message: '{site_row}' })).toEqual([])
  })

  test('may name what every event has', () => {
    expect(problems({ message: '{device} {value} {threshold} {rule} {severity} {since}' })).toEqual([])
  })
})

describe('other rules', () => {
  const ruleOf = (id: string, fields: object): [string, Rule] => {
    const checked = validateRule({ ...least, id, ...fields }, { profiles })
    if (!checked.ok) throw new Error(checked.errors[0]!.detail)
    return [id, checked.rule]
  }
  const flapping = (rule: string) => ({ kind: 'flapping', of: { rule } })
  const rules = new Map([
    ruleOf('a', { suppressedBy: ['b', 'not-there'] }),
    ruleOf('b', { when: { kind: 'any', of: [warm, flapping('c')] } }),
    ruleOf('c', { suppressedBy: ['subject'] }),
    ruleOf('d', { suppressedBy: ['e'] }),
    ruleOf('e', { suppressedBy: ['d'] }),
  ])

  test('a circle through suppression and flapping is refused where it begins, and shown', () => {
    expect(problems({ suppressedBy: ['d', 'a'] }, { rules })).toEqual([
      '/suppressedBy/1: a circle: subject → a → b → c → subject',
    ])
    expect(problems({ when: { kind: 'not', of: flapping('b') } }, { rules })).toEqual([
      '/when/of/of/rule: a circle: subject → b → c → subject',
    ])
  })

  test('a circle of others is no problem of this one', () => {
    expect(problems({ suppressedBy: ['d'] }, { rules })).toEqual([])
  })

  test('flapping of a rule that there is not is refused; a suppressor may come later', () => {
    expect(problems({ when: flapping('nobody') }, { rules })).toEqual([
      '/when/of/rule: there is no rule nobody',
    ])
    expect(problems({ suppressedBy: ['nobody'] }, { rules })).toEqual([])
  })

  test('flapping of a rule that other readings reach, or reach at another time, is refused', () => {
    const inner = { kind: 'threshold', metric: 'temperature_c', above: 8 }
    const others = new Map([
      ruleOf('many', { when: { kind: 'group', of: inner, atLeast: 2 } }),
      ruleOf('late', { wait: '5m' }),
    ])
    expect(problems({ when: flapping('many') }, { rules: others })).toEqual([
      '/when/of/rule: many looks at other devices',
    ])
    expect(problems({ when: flapping('late') }, { rules: others })).toEqual([
      '/when/of/rule: late has another wait: 5m',
    ])
    expect(problems({ when: flapping('late'), wait: '5m' }, { rules: others })).toEqual([])
  })

  test('are not asked where they are not given, but a rule is never its own', () => {
    expect(problems({ when: flapping('nobody') })).toEqual([])
    expect(problems({ when: flapping('subject') })).toEqual(['/when/of/rule: a rule cannot depend on itself'])
  })
})
