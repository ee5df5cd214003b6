/** What a figure can be of: one kind of fault, one rule, or the whole run. */
export type FigureOf = 'fault' | 'rule' | 'all'

/** The figures that a mark can ask for; docs/SIMULATOR.md holds the same table. */
export const figures = {
  recall: ['fault', 'all'],
  precision: ['fault', 'rule', 'all'],
  f1: ['fault', 'all'],
  delayMedianS: ['fault', 'all'],
  delayP95S: ['fault', 'all'],
  leadMedianS: ['fault', 'all'],
  leadMinS: ['fault', 'all'],
  leadShareMedian: ['fault', 'all'],
  inTime: ['fault', 'all'],
  falseAlarms: ['fault', 'rule', 'all'],
  falseAlarmsPerDeviceDay: ['rule', 'all'],
  duplicates: ['fault', 'rule', 'all'],
} as const satisfies Readonly<Record<string, readonly FigureOf[]>>

export type Figure = keyof typeof figures

/** Those that only a ledger shows. */
export const verifyFigures = ['missing', 'altered', 'invented', 'repeated'] as const

/** Those that only a dispatcher beside the run shows. */
export const dispatchFigures = ['assignedTwice', 'unassigned'] as const

/** Figures that the run adds, of the whole: what `verify` found, and how it went. */
export const runFigures = [
  ...verifyFigures,
  ...dispatchFigures,
  'unreconciled',
  'backfillDiffers',
  'eventsDiffer',
  'ackP99Ms',
  'eventP99Ms',
  'platformMemoryMiB',
] as const

/** Those of them that are known. */
export type RunFigures = Readonly<Partial<Record<(typeof runFigures)[number], number>>>
