/** What a device type measures: units, kinds and valid ranges of its metrics, and which labels become tags. */
export interface Profile {
  readonly type: string
  /** True: a metric that is not listed is refused. False: it is accepted without limits. */
  readonly strict: boolean
  /** Labels of the device that are stored as tags beside `device`. */
  readonly tags: readonly string[]
  /** Usual time between two readings, as a duration (`1m`). */
  readonly expectedInterval?: string
  readonly metrics: Readonly<Record<string, MetricProfile>>
}

export interface MetricProfile {
  readonly unit?: string
  readonly kind: MetricKind
  /** Of a state; gauges and counters are numbers. Without it the first value of the device type decides. */
  readonly type?: ValueType
  readonly min?: number
  readonly max?: number
}

export type MetricKind = 'gauge' | 'counter' | 'state'
export type ValueType = 'number' | 'boolean' | 'string'
export type Value = number | boolean | string

/** The type that a profile fixes for a metric, or undefined where the first value decides. */
export function fixedValueType(metric: MetricProfile | undefined): ValueType | undefined {
  if (metric === undefined) return undefined
  return metric.kind === 'state' ? metric.type : 'number'
}
