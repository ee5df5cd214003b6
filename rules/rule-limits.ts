import { groupedDigits } from '../lib/grouped-digits.ts'

/**
 * Every bound of a rule. A rule that passes one is refused with an error that names it, so that what one rule can hold or
 * cost is known before it reaches the engine. The body's own size is bounded by HTTP.
 */
export const ruleLimits = {
  /** UTF-16 code units, as of every text here. */
  nameLengthMax: 200,
  descriptionLengthMax: 2_000,
  messageLengthMax: 500,
  labelNameLengthMax: 64,
  labelValueLengthMax: 500,
  labelsMax: 50,

  selectTypesMax: 100,
  selectDevicesMax: 10_000,
  escalateStepsMax: 5,
  suppressedByMax: 20,
  /** Webhooks of one rule, and of all rules together: each has a few deliveries of its own in flight. */
  actionsMax: 4,
  actionsOfAllMax: 32,
  waitMsMax: 86_400_000,
  /** Of any duration: ten years, more than any reading is kept waiting for, and far from where times lose precision. */
  durationDaysMax: 3_660,

  /** Levels of objects and lists in the body, itself included. */
  nestingMax: 32,
  /** Levels of conditions within `when`, itself included. */
  conditionDepthMax: 8,
  conditionsMax: 50,

  /** Readings that a window may hold at the expected interval of its devices: `aggregate`, `stuck`, and `rate` with a window. */
  windowReadingsMax: 100_000,
  /** The same of a `share`, which keeps changes alone, not readings: a year at one reading a minute fits. */
  shareReadingsMax: 1_000_000,

  /** Problems told of one rule. */
  problemsMax: 100,
} as const

/** `at most 50 labels (labelsMax)`: the sentence of an error, with the bound's name. */
export function atMost(bound: keyof typeof ruleLimits, what: string): string {
  return `at most ${groupedDigits(ruleLimits[bound])} ${what} (${bound})`
}
