import type { FaultEntry } from '../scenario.ts'

export const presets = ['none', 'dirty', 'hostile'] as const
export type Preset = (typeof presets)[number]

const minuteMs = 60_000
const always = (kind: string, parameters: FaultEntry['parameters'] = {}): FaultEntry => ({
  kind,
  onset: [0, 0],
  severity: [1, 1],
  parameters,
})

/** TSBS, use case iot: batches missing 1 %, out of order 5 %, entries missing 10 %, late 30 %, fields missing 10 %. */
const dirty: readonly FaultEntry[] = [
  always('drop', { probability: 0.01, run: 3 }),
  always('drop', { probability: 0.1 }),
  always('field_missing', { probability: 0.1 }),
  always('late', { probability: 0.3, intervals: 3 }),
  always('reorder', { probability: 0.05 }),
]

/**
 * The sensor and transport faults that a preset adds to every device of a fleet in a run of `lengthMs`, as entries of a
 * fault file. Those of sensors name no metric: they act on all gauges. Registers are spared, for a register that jumps is
 * something to be told of. What lasts is shorter than what an offline, stuck or flapping device is told by.
 */
export function presetFaults(preset: Preset, lengthMs: number): FaultEntry[] {
  if (preset === 'none') return []
  if (preset === 'dirty') return [...dirty]
  /** Once, for some minutes. */
  const once = (
    kind: string,
    lastsMinutes: [number, number],
    more: Partial<FaultEntry> = {},
  ): FaultEntry => ({
    ...always(kind),
    onset: [Math.round(0.1 * lengthMs), Math.round(0.8 * lengthMs)],
    lasts: [lastsMinutes[0] * minuteMs, lastsMinutes[1] * minuteMs],
    ...more,
  })
  return [
    ...dirty,
    always('spike', { probability: 0.002, magnitude: 10 }),
    always('dip', { probability: 0.002 }),
    always('null', { probability: 0.02 }),
    always('noise', { sd: 0, relative_sd: 0.005 }),
    once('stuck_at', [5, 10]),
    always('duplicate', { probability: 0.05 }),
    // No multiple of an interval: a reading must not meet another's time.
    once('clock_skew', [60, 120], { share: 0.1, severity: [0.5, 1.5], parameters: { offset_s: 187.313 } }),
    once('clock_skew', [60, 120], { share: 0.1, severity: [0.5, 1.5], parameters: { offset_s: -187.313 } }),
    always('clock_1970', { probability: 0.001 }),
    always('clock_future', { probability: 0.0005 }),
    always('malformed', { probability: 0.01 }),
    always('oversize', { probability: 0.0002 }),
    always('wrong_topic', { probability: 0.0002 }),
    once('reconnect_storm', [3, 3], { parameters: { every_s: 60 } }),
    once('gap', [4, 5]),
  ]
}
