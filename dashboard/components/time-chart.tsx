import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import type { Severity } from '../api/types.ts'
import { figure } from '../format.ts'
import { darkQuery, useMedia } from '../state/use-media.ts'
import type { Span } from '../time-range.ts'
import type { ChartColumns } from './chart-columns.ts'

export interface ChartSeries {
  readonly label: string
  readonly unit: string
  /** Name of a custom property of the styles. */
  readonly colour: string
  readonly isStepped?: boolean | undefined
  /** A bar to the right of each time, from zero. */
  readonly isBars?: boolean | undefined
  /** Drawn as the edge of a band, not as a line of its own. */
  readonly isEdge?: boolean | undefined
}

/** A time in which something was so: an alarm was up, or values may still change. Unix ms. */
export interface ChartMark {
  readonly from: number
  readonly to: number
  readonly tone: Severity | 'off'
}

interface Props {
  readonly data: ChartColumns
  readonly series: readonly ChartSeries[]
  readonly span: Span
  readonly marks?: readonly ChartMark[] | undefined
  readonly heightPx: number
  /** For what is counted: a line near zero is then seen to be there. */
  readonly isFromZero?: boolean | undefined
  /** What a screen reader says in place of the picture. */
  readonly summary: string
  readonly onZoom?: ((span: Span) => void) | undefined
}

const draggedPxMin = 6

const dayS = 86_400
/** Ticks by their distance: what each shows, and below it what it shows where that is new. As uPlot's own, with 24 hours and days first. */
const timeTicks: uPlot.Axis.Values = [
  [28 * dayS, '{MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [dayS, '{D} {MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [60, '{HH}:{mm}', null, null, '\n{D} {MMM}', null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', null, null, '\n{D} {MMM}', null, null, null, 1],
]

/** Lines over time by uPlot. Dragging across it zooms; colours follow the scheme. */
export function TimeChart(props: Props) {
  const { data, series, span, marks, heightPx, summary } = props
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const current = useRef(props)
  current.current = props
  const isDark = useMedia(darkQuery)
  const shape = JSON.stringify(series)

  useEffect(() => {
    const element = host.current
    if (element === null) return undefined
    const made = new uPlot(options(element, current), aligned(current.current.data), element)
    plot.current = made
    const sizes = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: current.current.heightPx }),
    )
    sizes.observe(element)
    return () => {
      sizes.disconnect()
      made.destroy()
      plot.current = undefined
    }
  }, [shape, isDark, heightPx])

  useEffect(() => {
    const made = plot.current
    if (made === undefined) return
    made.batch(() => {
      made.setData(aligned(data), false)
      made.setScale('x', { min: span.from / 1000, max: span.to / 1000 })
    })
    // Under no pointer the newest is told.
    if (made.cursor.idx == null && data.times.length > 0) made.setLegend({ idx: data.times.length - 1 })
  }, [data, span.from, span.to, marks])

  return <div class="chart" ref={host} role="img" aria-label={summary} />
}

function aligned({ times, columns }: ChartColumns): uPlot.AlignedData {
  return [times.map((ms) => ms / 1000), ...columns.map((column) => [...column])] as uPlot.AlignedData
}

function options(element: HTMLElement, current: { readonly current: Props }): uPlot.Options {
  const styles = getComputedStyle(element)
  const colour = (name: string) => styles.getPropertyValue(name).trim()
  const { series, heightPx, isFromZero, onZoom } = current.current
  const edges = series.flatMap(({ isEdge }, i) => (isEdge ? [i + 1] : []))
  const axis = {
    stroke: colour('--text-2'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1, size: 4 },
    font: `11px ${styles.fontFamily}`,
  }
  return {
    width: element.clientWidth || 320,
    height: heightPx,
    scales: { x: { time: true, auto: false }, y: { range: isFromZero ? fromZero : padded } },
    axes: [
      { ...axis, space: 84, values: timeTicks },
      { ...axis, size: 56, values: (_plot, ticks) => ticks.map(figure) },
    ],
    series: [
      { value: '{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}' },
      ...series.map((one) => seriesOptions(one, colour)),
    ],
    ...(edges.length === 2
      ? { bands: [{ series: [edges[1]!, edges[0]!], fill: colour('--chart-band') }] as uPlot.Band[] }
      : {}),
    cursor: {
      drag: { x: onZoom !== undefined, y: false, setScale: false, dist: draggedPxMin },
      points: { size: 6 },
    },
    legend: { live: true, markers: { width: 0, fill: (_plot, i) => colour(series[i - 1]?.colour ?? '') } },
    hooks: {
      drawClear: [(plot) => drawMarks(plot, current.current.marks ?? [], colour)],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select
          if (width < draggedPxMin) return
          const at = (px: number) => Math.round(plot.posToVal(px, 'x') * 1000)
          current.current.onZoom?.({ from: at(left), to: at(left + width) })
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
        },
      ],
    },
  }
}

function seriesOptions(
  { label, unit, colour: name, isStepped, isBars, isEdge }: ChartSeries,
  colour: (name: string) => string,
): uPlot.Series {
  const paths = isBars
    ? uPlot.paths.bars?.({ size: [0.8, 48], align: 1 })
    : isStepped
      ? uPlot.paths.stepped?.({ align: 1 })
      : undefined
  return {
    label: unit === '' ? label : `${label} (${unit})`,
    stroke: isEdge ? 'transparent' : colour(name),
    width: 1.75,
    value: (_plot, value) => (value === null || value === undefined ? '–' : figure(value)),
    ...(paths === undefined ? {} : { paths }),
    ...(isBars ? { fill: colour(name), width: 0 } : {}),
    ...(isEdge || isBars ? { points: { show: false } } : {}),
  }
}

/** Room above and below; a line that does not move is in the middle. */
function padded(_plot: uPlot, min: number | null, max: number | null): [number, number] {
  if (min === null || max === null) return [0, 1]
  const room = max === min ? Math.max(1, Math.abs(max) * 0.05) : (max - min) * 0.08
  return [min >= 0 && min < room ? 0 : min - room, max + room]
}

function fromZero(_plot: uPlot, _min: number | null, max: number | null): [number, number] {
  return [0, Math.max(1, (max ?? 0) * 1.1)]
}

/** Behind the lines, with an edge where it begins. */
function drawMarks(plot: uPlot, marks: readonly ChartMark[], colour: (name: string) => string): void {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  for (const { from, to, tone } of marks) {
    const x = plot.valToPos(from / 1000, 'x', true)
    const end = plot.valToPos(to / 1000, 'x', true)
    ctx.fillStyle = colour(`--${tone}`)
    ctx.globalAlpha = 0.13
    ctx.fillRect(x, bbox.top, Math.max(2, end - x), bbox.height)
    ctx.globalAlpha = 0.9
    ctx.fillRect(x - 1, bbox.top, 2, bbox.height)
  }
  ctx.restore()
}
