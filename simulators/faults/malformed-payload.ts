import type { DeadLetterReason } from '../../domain/dead-letter.ts'
import type { Reading } from '../transmission.ts'

interface Malformed {
  readonly payload: string
  /** Why the platform does not take it. */
  readonly reason: DeadLetterReason
}

/** Payloads of `reading` that are certain to be refused, whatever the type of the device; contract.md has the reasons. */
const ways: readonly ((reading: Reading, metric: string) => Malformed)[] = [
  (reading) => ({ payload: JSON.stringify(reading).slice(0, -5), reason: 'payload.not_json' }),
  (reading) => ({ payload: JSON.stringify(reading).replaceAll('"', "'"), reason: 'payload.not_json' }),
  ({ ts, seq }) => ({ payload: JSON.stringify({ ts, seq }), reason: 'payload.wrong_shape' }),
  ({ ts, seq, values }) => ({
    payload: JSON.stringify({ ts, seq, values: Object.entries(values) }),
    reason: 'payload.wrong_shape',
  }),
  ({ values, ...rest }) => ({
    payload: JSON.stringify({ ...rest, values, unit: 'SI' }),
    reason: 'payload.wrong_shape',
  }),
  (reading) => ({
    payload: `${'['.repeat(9)}${JSON.stringify(reading)}${']'.repeat(9)}`,
    reason: 'payload.too_deep',
  }),
  (reading, metric) => ({ payload: withValues(reading, `{"${metric} (raw)":1}`), reason: 'metric.bad_name' }),
  // A field called time is none of a reading's metrics in any store.
  (reading) => ({ payload: withValues(reading, '{"time":1}'), reason: 'metric.bad_name' }),
  // A list, as text would decide the type of a metric that has none yet.
  (reading, metric) => ({ payload: withValues(reading, `{"${metric}":[1,2]}`), reason: 'value.wrong_type' }),
  (reading, metric) => ({ payload: withValues(reading, `{"${metric}":1e999}`), reason: 'value.not_finite' }),
  ({ ts, ...rest }) => ({
    payload: JSON.stringify({ ts: new Date(ts).toISOString(), ...rest }),
    reason: 'ts.invalid',
  }),
  ({ ts, ...rest }) => ({ payload: JSON.stringify({ ts: ts + 0.5, ...rest }), reason: 'ts.invalid' }),
]

/** A payload of `reading` broken in one of several ways, by `draw` in [0, 1). */
export function malformedPayload(reading: Reading, draw: number): Malformed {
  const [metric = 'value'] = Object.keys(reading.values)
  return ways[Math.floor(draw * ways.length)]!(reading, metric)
}

function withValues({ ts, seq }: Reading, values: string): string {
  return `{"ts":${ts},"seq":${seq},"values":${values}}`
}
