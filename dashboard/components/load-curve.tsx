import { useMemo } from 'preact/hooks'
import { figure, plural, time } from '../format.ts'
import { drawnGroups, type SeriesMinute } from '../live-series.ts'
import { type LiveQuery, useLiveSeries } from '../state/use-live-series.ts'
import { chartColumns } from './chart-columns.ts'
import { Status } from './icons.tsx'
import { Empty, Shown } from './notes.tsx'
import { TimeChart } from './time-chart.tsx'

const colours = ['--accent', '--chart-2', '--chart-3', '--chart-4', '--chart-5', '--chart-6'] as const
const minuteMs = 60_000
/** As far as a reader of the table would go back; the chart has the rest. */
const minutesInTable = 60

/** A metric of a fleet by minute, a line for each group, moving as readings come. */
export function LoadCurve({ query, unit, told }: { query: LiveQuery; unit: string; told: string }) {
  const series = useLiveSeries(query)
  return (
    <section class="card live-curve" aria-labelledby="curve">
      <h2 id="curve">
        {told}
        <Status tone={series.isLive ? 'ok' : 'warn'}>
          {series.isLive ? 'moves as readings come' : 'not live: looks every 3 s'}
        </Status>
      </h2>
      <Shown of={series}>
        {(minutes) =>
          minutes.length === 0 ? (
            <NothingCounted query={query} />
          ) : (
            <Curve minutes={minutes} query={query} unit={unit} told={told} />
          )
        }
      </Shown>
    </section>
  )
}

function NothingCounted({ query: { type, metric, by } }: { query: LiveQuery }) {
  return (
    <Empty title={`No ${type} has sent ${metric} in this time`}>
      <p>
        {by === undefined
          ? 'Choose another metric or type, or wait: a reading shows here within a second of its arrival.'
          : `Or none that did has the label ${by}. Choose “all devices” to see them together, or give the devices the label.`}
      </p>
    </Empty>
  )
}

interface CurveProps {
  readonly minutes: readonly SeriesMinute[]
  readonly query: LiveQuery
  readonly unit: string
  readonly told: string
}

function Curve({ minutes, query: { by, rangeMs }, unit, told }: CurveProps) {
  const { drawn, others } = useMemo(() => drawnGroups(minutes, colours.length), [minutes])
  const data = useMemo(() => {
    const lines = drawn.map((group) =>
      minutes.map(({ time, values }) => ({
        time,
        values: { value: values.get(group) ?? null },
      })),
    )
    return chartColumns(lines, 'value')
  }, [minutes, drawn])
  const now = Date.now()
  const name = (group: string) => (by === undefined ? 'all devices' : group)
  const newest = minutes.at(-1)!
  const firstOpen = minutes.find(({ closed }) => !closed)
  const said = drawn.map((group) => `${name(group)} ${shown(newest.values.get(group), unit)}`).join(', ')
  const minute = `${time(newest.time, now)}${newest.closed ? '' : ', still open'}`
  return (
    <>
      <TimeChart
        data={data}
        series={drawn.map((group, i) => ({ label: name(group), unit, colour: colours[i] ?? '--accent' }))}
        span={{ from: now - rangeMs, to: Math.max(now, Date.parse(newest.time) + minuteMs) }}
        marks={firstOpen === undefined ? [] : [{ from: Date.parse(firstOpen.time), to: now, tone: 'off' }]}
        heightPx={320}
        summary={`${told}: ${plural(minutes.length, 'minute')}; the newest, ${minute}: ${said}`}
      />
      <p class="hint">
        {firstOpen === undefined
          ? 'All minutes are closed: their values change no more.'
          : 'Shaded minutes are open: their values are provisional, for readings of them still come.'}
        {others > 0 &&
          ` The ${drawn.length} with the largest values are drawn; ${plural(others, 'other is', 'others are')} not.`}
      </p>
      <details>
        <summary>As a table</summary>
        <table class="plain live-table">
          <thead>
            <tr>
              <th scope="col">Minute</th>
              {drawn.map((group) => (
                <th key={group} scope="col" class="number">
                  {name(group)}
                  {unit !== '' && `, ${unit}`}
                </th>
              ))}
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {minutes
              .slice(-minutesInTable)
              .reverse()
              .map((one) => (
                <tr key={one.time}>
                  <th scope="row">{time(one.time, now)}</th>
                  {drawn.map((group) => (
                    <td key={group} class="number">
                      {shown(one.values.get(group), '')}
                    </td>
                  ))}
                  <td>
                    <Status tone={one.closed ? 'ok' : 'off'}>{one.closed ? 'closed' : 'provisional'}</Status>
                  </td>
                </tr>
              ))}
          </tbody>
        </table>
      </details>
    </>
  )
}

function shown(value: number | undefined, unit: string): string {
  return value === undefined ? '–' : `${figure(value)} ${unit}`.trim()
}
