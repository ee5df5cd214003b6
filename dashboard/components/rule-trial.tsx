import { useState } from 'preact/hooks'
import type { Page, Reading, RuleTest, Severity, Transition } from '../api/types.ts'
import { count, duration, plural, time } from '../format.ts'
import { hrefOf } from '../route.ts'
import type { Draft } from '../rule-draft.ts'
import { useConsole } from '../state/console.ts'
import { useLoaded } from '../state/use-loaded.ts'
import { ranges, type Span, stepFor } from '../time-range.ts'
import { chartColumns } from './chart-columns.ts'
import { SeverityBadge } from './icons.tsx'
import { Empty, Shown } from './notes.tsx'
import { TimeChart } from './time-chart.tsx'

const intervalsShown = 50
const windowsMax = 1_000

/** A time in which the rule would have been up. Unix ms. */
interface Interval {
  readonly device: string
  readonly from: number
  /** Undefined while it would still be up. */
  readonly to: number | undefined
  readonly severity: Severity
}

interface Tried {
  readonly span: Span
  readonly intervals: readonly Interval[]
  readonly evaluated: number
  readonly isTruncated: boolean
}

/** Tries the draft, saved or not, on what is stored. */
export function RuleTrial({ draft, onProblem }: { draft: Draft; onProblem: (error: unknown) => void }) {
  const { api } = useConsole()
  const [range, setRange] = useState('24h')
  const [tried, setTried] = useState<Tried | undefined>(undefined)
  const [isTrying, setTrying] = useState(false)
  const attempt = async () => {
    const to = Date.now()
    const from = to - (ranges.find(({ name }) => name === range)?.ms ?? 0)
    setTrying(true)
    try {
      const result = await api.post<RuleTest>('rules:test', { rule: draft, from, to })
      setTried({
        span: { from, to },
        intervals: intervalsOf(result.transitions),
        evaluated: result.evaluated,
        isTruncated: result.truncated,
      })
    } catch (error) {
      setTried(undefined)
      const errors = (error as { errors?: readonly { pointer: string; detail: string }[] }).errors
      // The test has the rule under `rule`: the editor wants the pointers of the rule itself.
      if (errors !== undefined)
        Object.assign(error as object, {
          errors: errors.map((one) => ({ ...one, pointer: one.pointer.replace(/^\/rule(?=\/|$)/, '') })),
        })
      onProblem(error)
    }
    setTrying(false)
  }
  return (
    <section class="card" aria-labelledby="trial">
      <h2 id="trial">Test on history</h2>
      <div class="button-row">
        <label>
          <span class="only-read">How far back</span>
          <select value={range} onChange={(event) => setRange(event.currentTarget.value)}>
            {ranges.map(({ name, label }) => (
              <option key={name} value={name}>
                the last {label}
              </option>
            ))}
          </select>
        </label>
        <button type="button" onClick={attempt} disabled={isTrying}>
          {isTrying ? 'Testing…' : 'Test'}
        </button>
      </div>
      {tried !== undefined && <Result tried={tried} draft={draft} />}
    </section>
  )
}

function Result({
  tried: { span, intervals, evaluated, isTruncated },
  draft,
}: {
  tried: Tried
  draft: Draft
}) {
  const devices = [...new Set(intervals.map(({ device }) => device))]
  const [chosen, setChosen] = useState<string | undefined>(undefined)
  const device = devices.find((id) => id === chosen) ?? devices[0]
  const metric = (draft.when as { metric?: unknown } | undefined)?.metric
  const told = `It would have been up ${plural(intervals.length, 'time')} on ${plural(devices.length, 'device')}; ${plural(evaluated, 'reading')} judged${isTruncated ? ', and there is more than is shown' : ''}.`
  return (
    <>
      <p role="status">{told}</p>
      {device !== undefined && typeof metric === 'string' && (
        <>
          {devices.length > 1 && (
            <label class="inline">
              Device
              <select value={device} onChange={(event) => setChosen(event.currentTarget.value)}>
                {devices.slice(0, windowsMax).map((id) => (
                  <option key={id} value={id}>
                    {id}
                  </option>
                ))}
              </select>
            </label>
          )}
          <TrialChart
            key={device}
            device={device}
            metric={metric}
            span={span}
            intervals={intervals.filter((one) => one.device === device)}
          />
        </>
      )}
      {intervals.length > 0 && <Intervals intervals={intervals} to={span.to} />}
    </>
  )
}

function TrialChart({
  device,
  metric,
  span,
  intervals,
}: {
  device: string
  metric: string
  span: Span
  intervals: readonly Interval[]
}) {
  const { api } = useConsole()
  const { every } = stepFor(span)
  const readings = useLoaded(
    async (signal) => {
      const query = { device, metric, from: span.from, to: span.to, every, fn: 'last', limit: windowsMax }
      return (await api.get<Page<Reading>>('readings', query, signal)).items
    },
    [device, metric, span.from, span.to],
  )
  return (
    <Shown of={readings}>
      {(items) =>
        items.length === 0 ? (
          <Empty title="There are no readings to draw" />
        ) : (
          <TimeChart
            data={chartColumns([items], metric)}
            series={[{ label: metric, unit: '', colour: '--accent' }]}
            span={span}
            marks={intervals.map(({ from, to, severity }) => ({ from, to: to ?? span.to, tone: severity }))}
            heightPx={240}
            summary={`${metric} of ${device}, with ${plural(intervals.length, 'time')} in which the rule would have been up`}
          />
        )
      }
    </Shown>
  )
}

function Intervals({ intervals, to }: { intervals: readonly Interval[]; to: number }) {
  const now = Date.now()
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Device</th>
          <th scope="col">Severity</th>
          <th scope="col">From</th>
          <th scope="col">Lasted</th>
        </tr>
      </thead>
      <tbody>
        {intervals.slice(0, intervalsShown).map((one) => (
          <tr key={`${one.device} ${one.from}`}>
            <th scope="row">
              <a href={hrefOf('devices', one.device)}>{one.device}</a>
            </th>
            <td>
              <SeverityBadge severity={one.severity} />
            </td>
            <td>{time(new Date(one.from).toISOString(), now)}</td>
            <td>
              {one.to === undefined ? `${duration(to - one.from)}, still up` : duration(one.to - one.from)}
            </td>
          </tr>
        ))}
      </tbody>
      {intervals.length > intervalsShown && (
        <caption>
          The first {count(intervalsShown)} of {count(intervals.length)}
        </caption>
      )}
    </table>
  )
}

/** From each `raised` to its `cleared`, with the severity reached, in order of time. */
export function intervalsOf(transitions: readonly Transition[]): Interval[] {
  const open = new Map<string, Interval>()
  const done: Interval[] = []
  for (const { device, transition, time, severity } of transitions) {
    const before = open.get(device)
    if (transition === 'raised') open.set(device, { device, from: Date.parse(time), to: undefined, severity })
    else if (before !== undefined && transition === 'escalated') open.set(device, { ...before, severity })
    else if (before !== undefined) {
      open.delete(device)
      done.push({ ...before, to: Date.parse(time) })
    }
  }
  return [...done, ...open.values()].sort((a, b) => a.from - b.from)
}
