import { useMemo } from 'preact/hooks'
import type { ApiClient } from '../api/api-client.ts'
import type { Alarm, Episode, LatestValue, MetricProfile, Page, Reading } from '../api/types.ts'
import { figure, plural } from '../format.ts'
import { hrefOf } from '../route.ts'
import { useConsole } from '../state/console.ts'
import { useLoaded } from '../state/use-loaded.ts'
import { replaceRoute } from '../state/use-route.ts'
import { moved, ranges, type Span, stepFor, zoomed } from '../time-range.ts'
import { chartColumns } from './chart-columns.ts'
import { Empty, Shown } from './notes.tsx'
import { type ChartMark, type ChartSeries, TimeChart } from './time-chart.tsx'

const everyMs = 5_000
const windowsMax = 1_000
const defaultRange = '1h'

interface Props {
  readonly device: string
  readonly metric: string
  readonly newest: LatestValue | undefined
  readonly profile: MetricProfile | undefined
  /** `range`, or `from` and `to` in Unix ms where somebody zoomed. */
  readonly query: Readonly<Record<string, string>>
  readonly standing: readonly Alarm[]
  readonly past: readonly Episode[]
}

/** What was asked for and what came: while the next metric loads, all of this is still of the one before. */
interface Drawn {
  readonly metric: string
  /** Means with their least and greatest, or else the last of each window. */
  readonly isLine: boolean
  readonly span: Span
  readonly every: string
  readonly series: readonly (readonly Reading[])[]
}

/** One metric over time, as means of windows with their least and greatest behind; its alarms shaded. Drag to zoom. */
export function DeviceChart({ device, metric, newest, profile, query, standing, past }: Props) {
  const { api } = useConsole()
  const fixed = fixedSpan(query)
  const range = ranges.find(({ name }) => name === (query.range ?? defaultRange)) ?? ranges[1]
  const isNumber = typeof newest?.value === 'number'
  // A mean of states or of registers says nothing.
  const isLine = isNumber && profile?.kind !== 'counter'
  const drawn = useLoaded<Drawn>(
    async (signal) => {
      const now = Date.now()
      const span = fixed ?? { from: now - range.ms, to: now }
      return readSpan(api, { device, metric, isLine }, span, signal)
    },
    [device, metric, isLine, range.name, fixed?.from, fixed?.to],
    fixed === undefined ? everyMs : undefined,
  )
  const goTo = (span: Span | undefined, name?: string) =>
    replaceRoute(
      hrefOf('devices', device, {
        metric: query.metric,
        range: name ?? query.range,
        from: span === undefined ? undefined : String(span.from),
        to: span === undefined ? undefined : String(span.to),
      }),
    )
  return (
    <>
      <Ranges
        chosen={fixed === undefined ? range.name : undefined}
        span={fixed ?? drawn.value?.span}
        onRange={(name) => goTo(undefined, name)}
        onSpan={(span) => goTo(span)}
      />
      <Shown of={drawn}>
        {(value) => (
          <Picture
            drawn={value}
            unit={newest?.unit ?? ''}
            isText={typeof newest?.value === 'string'}
            marks={marksOf(standing, past)}
            onZoom={(span) => goTo(span)}
          />
        )}
      </Shown>
    </>
  )
}

async function readSpan(
  api: ApiClient,
  { device, metric, isLine }: { device: string; metric: string; isLine: boolean },
  span: Span,
  signal: AbortSignal,
): Promise<Drawn> {
  const { every } = stepFor(span)
  const series = await Promise.all(
    (isLine ? ['mean', 'min', 'max'] : ['last']).map(async (fn) => {
      const query = { device, metric, from: span.from, to: span.to, every, fn, limit: windowsMax }
      return (await api.get<Page<Reading>>('readings', query, signal)).items
    }),
  )
  return { metric, isLine, span, every, series }
}

function Picture({
  drawn: { metric, isLine, span, every, series },
  unit,
  isText,
  marks,
  onZoom,
}: {
  drawn: Drawn
  unit: string
  isText: boolean
  marks: readonly ChartMark[]
  onZoom: (span: Span) => void
}) {
  const data = useMemo(() => chartColumns(series, metric), [series, metric])
  const lines: readonly ChartSeries[] = isLine
    ? [
        { label: 'Mean', unit, colour: '--accent' },
        { label: 'Min', unit, colour: '--accent', isEdge: true },
        { label: 'Max', unit, colour: '--accent', isEdge: true },
      ]
    : [{ label: metric, unit, colour: '--accent', isStepped: true }]
  const [line = []] = data.columns
  const values = line.filter((value) => value !== null)
  if (isText) return <Empty title="Text has no line: its newest value is in the table" />
  if (series[0]?.length === 0) return <Empty title="Nothing was sent in this time" />
  const shown = marks.filter(({ from, to }) => to > span.from && from < span.to)
  const summary = `${metric}: ${plural(values.length, 'window')} of ${every}, from ${figure(Math.min(...values))} to ${figure(Math.max(...values))} ${unit}; ${plural(shown.length, 'alarm')} in this time`
  return (
    <TimeChart
      data={data}
      series={lines}
      span={span}
      marks={shown}
      heightPx={300}
      summary={summary}
      onZoom={onZoom}
    />
  )
}

function Ranges({
  chosen,
  span,
  onRange,
  onSpan,
}: {
  chosen: string | undefined
  span: Span | undefined
  onRange: (name: string) => void
  onSpan: (span: Span) => void
}) {
  const change = (next: (span: Span) => Span) => () => {
    if (span !== undefined) onSpan(next(span))
  }
  return (
    <fieldset class="ranges">
      <legend class="only-read">Time shown</legend>
      <div class="segments">
        {ranges.map(({ name, label }) => (
          <button key={name} type="button" aria-pressed={name === chosen} onClick={() => onRange(name)}>
            {label}
          </button>
        ))}
      </div>
      <div class="segments">
        <button type="button" aria-label="Earlier" onClick={change((one) => moved(one, -0.5))}>
          ←
        </button>
        <button type="button" aria-label="Zoom in" onClick={change((one) => zoomed(one, 0.5))}>
          +
        </button>
        <button type="button" aria-label="Zoom out" onClick={change((one) => zoomed(one, 2))}>
          −
        </button>
        <button type="button" aria-label="Later" onClick={change((one) => moved(one, 0.5))}>
          →
        </button>
      </div>
    </fieldset>
  )
}

function fixedSpan({ from, to }: Readonly<Record<string, string>>): Span | undefined {
  const span = { from: Number(from ?? Number.NaN), to: Number(to ?? Number.NaN) }
  return span.to > span.from ? span : undefined
}

/** What stands is up until now. */
function marksOf(standing: readonly Alarm[], past: readonly Episode[]): ChartMark[] {
  const now = Date.now()
  return [...past, ...standing].map(({ since, clearedAt, severity }) => ({
    from: Date.parse(since),
    to: clearedAt === null ? now : Date.parse(clearedAt),
    tone: severity,
  }))
}
