import type { Draft } from './rule-draft.ts'

/** A field of a condition as the form asks for it. */
export interface KindField {
  /** In the condition. */
  readonly name: string
  readonly label: string
  readonly hint?: string
  /** It is left out of the rule while it is empty. */
  readonly isOptional?: boolean
  /** A text even where it looks like a number. */
  readonly isText?: boolean
  readonly options?: readonly string[]
}

/** A kind of condition that the form can show. */
export interface RuleKind {
  readonly label: string
  /** Of which the condition has exactly one, with the limit as its value; none where the kind compares in its own way. */
  readonly comparisons: readonly string[]
  readonly fields: readonly KindField[]
  /** What one begins with who chooses it; a metric that was chosen before stays. */
  readonly initial: Draft
}

const metric: KindField = { name: 'metric', label: 'Metric', isText: true }
const window: KindField = { name: 'window', label: 'Window', hint: 'Looks so far back, as in 10m' }
const aboveOrBelow = ['above', 'below'] as const

/** By `kind`, the usual ones first (docs/RULES.md, "The kinds"). What holds other conditions is written as JSON. */
export const ruleKinds: Readonly<Record<string, RuleKind>> = {
  threshold: {
    label: 'value against a limit',
    comparisons: [...aboveOrBelow, 'outside', 'inside', 'equals'],
    fields: [
      metric,
      {
        name: 'clear',
        label: 'Cleared at',
        hint: 'Empty: at the limit itself; a range beside a range',
        isOptional: true,
      },
    ],
    initial: { kind: 'threshold', metric: 'temperature_c', above: 8 },
  },
  rate: {
    label: 'speed of change',
    comparisons: aboveOrBelow,
    fields: [
      metric,
      { name: 'per', label: 'Change per', hint: 'As in 1m: the limit is for so long' },
      {
        ...window,
        label: 'Since',
        hint: 'Compared with the reading so long ago; empty: with the one before',
        isOptional: true,
      },
    ],
    initial: { kind: 'rate', metric: 'temperature_c', per: '1m', above: 2 },
  },
  aggregate: {
    label: 'figure of a window',
    comparisons: aboveOrBelow,
    fields: [
      metric,
      {
        name: 'fn',
        label: 'Figure',
        options: [
          ...['mean', 'min', 'max', 'sum', 'count', 'range', 'stddev'],
          ...['p50', 'p75', 'p90', 'p95', 'p99'],
        ],
      },
      window,
      { name: 'minCount', label: 'Readings at least', hint: 'With fewer nothing is said', isOptional: true },
      { name: 'plausible', label: 'Plausible', hint: 'As in 0, 50; empty: anything', isOptional: true },
    ],
    initial: { kind: 'aggregate', metric: 'temperature_c', fn: 'mean', window: '10m', above: 8 },
  },
  absence: {
    label: 'nothing comes',
    comparisons: [],
    fields: [
      { ...metric, hint: 'Empty: no reading at all', isOptional: true },
      { name: 'longerThan', label: 'For longer than', hint: 'As in 10m, or 3 intervals' },
    ],
    initial: { kind: 'absence', longerThan: '10m' },
  },
  stuck: {
    label: 'does not move',
    comparisons: [],
    fields: [
      metric,
      window,
      { name: 'tolerance', label: 'Moves by no more than', isOptional: true },
      { name: 'minCount', label: 'Readings at least', isOptional: true },
    ],
    initial: { kind: 'stuck', metric: 'temperature_c', window: '6h' },
  },
  baseline: {
    label: 'far from its normal',
    comparisons: [],
    fields: [
      metric,
      { name: 'method', label: 'Normal by', options: ['mad', 'daily', 'ewma'] },
      { ...window, hint: 'Normal is learned from so long, as in 14d' },
      { name: 'k', label: 'Spreads away', isOptional: true },
      { name: 'direction', label: 'Direction', options: ['both', 'above', 'below'] },
      { name: 'warmup', label: 'Learns first for', isOptional: true },
      { name: 'minSpread', label: 'Spread at least', isOptional: true },
      { name: 'timezone', label: 'Time zone', hint: 'Beside daily only', isText: true, isOptional: true },
    ],
    initial: {
      kind: 'baseline',
      metric: 'temperature_c',
      method: 'mad',
      window: '14d',
      direction: 'both',
    },
  },
  trend: {
    label: 'where it leads',
    comparisons: [],
    fields: [
      metric,
      { ...window, hint: 'Its slope over so long, as in 14d' },
      { name: 'reaches', label: 'Reaches' },
      { name: 'within', label: 'Within', hint: 'As in 30d' },
      { name: 'minSamples', label: 'Samples at least', isOptional: true },
    ],
    initial: { kind: 'trend', metric: 'battery_pct', window: '14d', reaches: 10, within: '30d' },
  },
  counter: {
    label: 'steps of a register',
    comparisons: [],
    fields: [
      metric,
      { name: 'event', label: 'Step', options: ['reset', 'rollover', 'reverse', 'implausible'] },
      { name: 'max', label: 'Register goes up to', hint: 'Needed for rollover', isOptional: true },
      { name: 'maxPerHour', label: 'Rises an hour at most', hint: 'For implausible', isOptional: true },
      { name: 'tolerance', label: 'Tolerance', hint: 'For reverse and implausible', isOptional: true },
    ],
    initial: { kind: 'counter', metric: 'energy_import_kwh', event: 'reset' },
  },
  flapping: {
    label: 'of the connection',
    comparisons: [],
    fields: [
      { name: 'of', label: 'Of', options: ['connection'] },
      { name: 'above', label: 'Share of changes above', isOptional: true },
      { name: 'clear', label: 'Cleared below', isOptional: true },
    ],
    initial: { kind: 'flapping', of: 'connection' },
  },
}
