import type { Profile } from '../../domain/profile.ts'
import { absent, type BadRule, badRules, goodRule, Raw, type Row } from './bad-rule.ts'

/** Beside those that ship: readings every second, and a metric that is text. */
export const boiler: Profile = {
  type: 'boiler',
  strict: true,
  tags: ['floor'],
  expectedInterval: '1s',
  metrics: { mode: { kind: 'state', type: 'string' }, pressure_bar: { kind: 'gauge' } },
}

export const warm = goodRule.when
export const peers = { kind: 'peers', metric: 'temperature_c', by: 'site', k: 4, minPeers: 5, maxAge: '15m' }
type Condition = { readonly kind: string; readonly [field: string]: unknown }
export const onBoiler = { select: { types: ['boiler'] } }

/** A condition of one kind that is good for fridges, with what is bad of it; places are below the condition. */
export function kind(when: Condition, rows: readonly Row[], fields: object = {}): BadRule[] {
  return badRules(when.kind, { when, ...fields }, [...rows, ...ofAnyKind], '/when')
}

/** The same of a kind that reads a metric of its own. */
export function measured(when: Condition, rows: readonly Row[], fields: object = {}): BadRule[] {
  return kind(when, [...ofAnyMetric, ...rows], fields)
}

export const ofAnyKind: readonly Row[] = [
  ['an unknown field', '/colour', 'red', 'unknown field'],
  ['a field of Object.prototype', '/constructor', 1, 'unknown field'],
]
export const ofAnyMetric: readonly Row[] = [
  ['a metric that is a number', '/metric', 7, 'expected string'],
  ['a metric that no fridge has', '/metric', 'voltage_v', 'fridge: no metric voltage_v'],
  ['a metric that can be none', '/metric', 'time', 'not a metric name'],
]
export const aboveOrBelow: readonly Row[] = [
  ['no limit', '/above', absent, 'expected one of above, below', ['']],
  ['two limits', '/below', 1, 'cannot stand beside above'],
  ['an infinite limit', '/above', new Raw('1e999'), 'expected a number'],
  ['a limit that is text', '/above', '5', 'expected a number'],
]
export const positive = (at: string): readonly Row[] => [
  [`${at} of zero`, at, '0s', 'longer than zero'],
  ...notNegative(at),
]
/** Zero is the same moment. */
export const notNegative = (at: string): readonly Row[] => [
  [`${at} that is none`, at, 'soon', 'expected a duration'],
  [`${at} that is negative`, at, '-1h', 'expected a duration'],
  [`${at} that is a number`, at, 60, 'expected a duration'],
]
export const ofInner = (at: string): readonly Row[] => [
  [`no ${at}`, at, absent, 'expected a condition'],
  [`${at} that is text`, at, 'temperature_c > 8', 'expected a condition'],
  [`${at} of a kind that is none`, `${at}/kind`, 'magic', 'expected one of'],
  [`${at} with an unknown field`, `${at}/over`, 1, 'unknown field'],
  [`${at} with a metric that no fridge has`, `${at}/metric`, 'voltage_v', 'no metric voltage_v'],
  [
    `a group within ${at}`,
    at,
    { kind: 'group', of: warm, atLeast: 2 },
    "rule's own condition",
    [`${at}/kind`],
  ],
  [`peers within ${at}`, at, peers, "rule's own condition", [`${at}/kind`]],
]
