import { type ScaleLinear, type ScaleTime, scaleLinear, scaleUtc } from 'd3-scale'

/** A signal over time with the moments of a fault; times in Unix ms. */
export interface Plot {
  readonly title: string
  readonly subtitle: string
  readonly fromMs: number
  readonly toMs: number
  /** One above the other, on one axis of time. */
  readonly panels: readonly PlotPanel[]
  readonly moments: readonly PlotMoment[]
}

export interface PlotPanel {
  /** What it shows, with its unit: `temperature_c (°C)`. */
  readonly label: string
  /** In order of time. */
  readonly points: readonly PlotPoint[]
  /** True where a value holds until the next: switches, doors. */
  readonly isState: boolean
  /** Drawn across. */
  readonly limits: readonly number[]
}

export type PlotPoint = readonly [timeMs: number, value: number]

export interface PlotMoment {
  readonly name: keyof typeof momentStyles
  readonly timeMs: number
}

/** Colours in the light and in the dark, and the line. */
const momentStyles = {
  onset: { light: '#57606a', dark: '#9da7b3', dash: '' },
  detectable: { light: '#8250df', dark: '#c297ff', dash: '2 3' },
  detected: { light: '#1a7f37', dark: '#4ac26b', dash: '' },
  'warn by': { light: '#9a6700', dark: '#e3b341', dash: '6 4' },
  failure: { light: '#cf222e', dark: '#ff7b72', dash: '' },
  end: { light: '#57606a', dark: '#9da7b3', dash: '2 3' },
} as const

const widthPx = 960
const left = 76
const right = widthPx - 28
const panelGap = 28
const labelRow = 16
const labelsTop = 74
/** Of the fonts that a system has; labels are kept apart by it, so it errs on the wide side. */
const characterPx = 6.6
/** A pause of more than so many usual distances between two points breaks the line. */
const gapFactor = 3.5

const style = `
svg { font: 12px system-ui, sans-serif; }
.page { fill: #ffffff; } .text { fill: #1f2328; } .quiet { fill: #59636e; }
.grid { stroke: #d1d9e0; stroke-width: 1; } .axis { stroke: #818b98; stroke-width: 1; }
.signal { fill: none; stroke: #0969da; stroke-width: 1.4; stroke-linejoin: round; } .dot { fill: #0969da; }
.limit { stroke: #bc4c00; stroke-width: 1.2; stroke-dasharray: 8 4; } .limit-text { fill: #bc4c00; stroke: #ffffff; }
.limit-text { paint-order: stroke; stroke-width: 4; stroke-linejoin: round; }
${momentRules('light')}
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117; } .text { fill: #f0f6fc; } .quiet { fill: #9198a1; }
.grid { stroke: #2a313c; } .axis { stroke: #656c76; }
.signal { stroke: #58a6ff; } .dot { fill: #58a6ff; }
.limit { stroke: #f0883e; } .limit-text { fill: #f0883e; stroke: #0d1117; }
${momentRules('dark')}
}`

function momentRules(theme: 'light' | 'dark'): string {
  return Object.entries(momentStyles)
    .map(([name, colours]) => {
      const of = className(name)
      return `.${of} { stroke: ${colours[theme]}; } .${of}-text { fill: ${colours[theme]}; }`
    })
    .join('\n')
}

/** The picture as SVG 1.1: no script, nothing from elsewhere, readable on light and on dark. Pure. */
export function plotSvg(plot: Plot): string {
  const time = scaleUtc([plot.fromMs, plot.toMs], [left, right])
  const moments = plot.moments
    .filter(({ timeMs }) => timeMs >= plot.fromMs && timeMs <= plot.toMs)
    .sort((a, b) => a.timeMs - b.timeMs)
  const rows = labelRows(moments, time)
  const panelsTop = labelsTop + rows.count * labelRow
  const panelHeight = plot.panels.length > 1 ? 190 : 300
  const panels = plot.panels.map((panel, i) => {
    const top = panelsTop + i * (panelHeight + panelGap)
    return panelSvg(panel, time, top, top + panelHeight)
  })
  const bottom = panelsTop + plot.panels.length * (panelHeight + panelGap) - panelGap
  const legendTop = bottom + 62
  const heightPx = legendTop + Math.ceil(plot.moments.length / 3) * 18 + 4
  const lines = moments.map(({ name, timeMs }, i) => {
    const [x, of] = [time(timeMs), className(name)]
    const labelY = labelsTop + rows.of[i]! * labelRow
    const { dash } = momentStyles[name]
    const dashed = dash === '' ? '' : ` stroke-dasharray="${dash}"`
    return `<line class="${of}" x1="${px(x)}" x2="${px(x)}" y1="${labelY + 3}" y2="${bottom}" stroke-width="1.6"${dashed}/>
${text(`${of}-text`, x + (isLeftOf(x, name) ? -4 : 4), labelY, name, isLeftOf(x, name) ? 'end' : 'start')}`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${widthPx}" height="${heightPx}" viewBox="0 0 ${widthPx} ${heightPx}" role="img">
<title>${escaped(`${plot.title}: ${plot.subtitle}`)}</title>
<style>${style}</style>
<rect class="page" width="${widthPx}" height="${heightPx}"/>
<text class="text" x="${left}" y="28" font-size="16" font-weight="600">${escaped(plot.title)}</text>
${text('quiet', left, 48, plot.subtitle)}
${timeAxis(time, panelsTop, bottom)}
${panels.map(({ signal }) => signal).join('\n')}
${lines.join('\n')}
${panels.map(({ limits }) => limits).join('\n')}
${legend(plot, legendTop)}
</svg>
`
}

/** A panel in two layers: the lines of moments lie between them. */
function panelSvg(panel: PlotPanel, time: ScaleTime<number, number>, top: number, bottom: number) {
  const values = [...panel.points.map(([, value]) => value), ...panel.limits]
  const [low, high] = extent(values, panel.isState)
  const value = scaleLinear([low, high], [bottom, top])
  const ticks = value.ticks(panel.isState ? 1 : 5)
  const format = value.tickFormat(panel.isState ? 1 : 5)
  const grid = ticks.map((tick) => {
    const y = value(tick)
    return `<line class="grid" x1="${left}" x2="${right}" y1="${px(y)}" y2="${px(y)}"/>
${text('quiet', left - 8, y + 4, format(tick), 'end')}`
  })
  const limits = panel.limits.map((limit) => {
    const y = value(limit)
    return `<line class="limit" x1="${left}" x2="${right}" y1="${px(y)}" y2="${px(y)}"/>
${text('limit-text', right - 4, y - 5, `limit ${Number(limit.toPrecision(6))}`, 'end')}`
  })
  const middle = px((top + bottom) / 2)
  const signal =
    panel.points.length === 0
      ? text('quiet', (left + right) / 2, Number(middle), 'no readings are stored', 'middle')
      : signalSvg(panel, time, value)
  return {
    signal: `${grid.join('\n')}
<line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>
<text class="text" x="18" y="${middle}" text-anchor="middle" transform="rotate(-90 18 ${middle})">${escaped(panel.label)}</text>
${signal}`,
    limits: limits.join('\n'),
  }
}

function signalSvg(
  { points, isState }: PlotPanel,
  time: ScaleTime<number, number>,
  value: ScaleLinear<number, number>,
): string {
  const gapMs = gapFactor * usualDistance(points)
  let path = ''
  const alone: string[] = []
  for (const [i, [timeMs, height]] of points.entries()) {
    const [x, y] = [px(time(timeMs)), px(value(height))]
    const isFirst = i === 0 || timeMs - points[i - 1]![0] > gapMs
    const isLast = i === points.length - 1 || points[i + 1]![0] - timeMs > gapMs
    // A line of one point would not be seen.
    if (isFirst && isLast) alone.push(`<circle class="dot" cx="${x}" cy="${y}" r="1.6"/>`)
    path += isFirst ? `M${x} ${y}` : isState ? `H${x}V${y}` : `L${x} ${y}`
  }
  return `<path class="signal" d="${path}"/>${alone.join('')}`
}

/** The middle one of the distances between neighbours, in ms. */
function usualDistance(points: readonly PlotPoint[]): number {
  const distances = points.slice(1).map(([timeMs], i) => timeMs - points[i]![0])
  return distances.sort((a, b) => a - b)[Math.floor(distances.length / 2)] ?? Number.POSITIVE_INFINITY
}

function timeAxis(time: ScaleTime<number, number>, top: number, bottom: number): string {
  const ticks = time.ticks(9)
  const stepMs = ticks.length > 1 ? ticks[1]!.getTime() - ticks[0]!.getTime() : 0
  const marks = ticks.map((tick) => {
    const x = px(time(tick))
    return `<line class="grid" x1="${x}" x2="${x}" y1="${top}" y2="${bottom + 5}"/>
${text('quiet', Number(x), bottom + 20, tickText(tick, stepMs), 'middle')}`
  })
  return `${marks.join('\n')}
${text('text', (left + right) / 2, bottom + 40, 'time, UTC', 'middle')}`
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** The date at midnight, else the time of day. */
function tickText(tick: Date, stepMs: number): string {
  const iso = tick.toISOString()
  if (iso.endsWith('T00:00:00.000Z')) return `${months[tick.getUTCMonth()]} ${tick.getUTCDate()}`
  return iso.slice(11, stepMs < 1_000 ? 23 : stepMs < 60_000 ? 19 : 16)
}

/** Every moment with its time, those beyond the picture too. */
function legend({ moments, fromMs, toMs }: Plot, top: number): string {
  const columnPx = (right - left) / 3
  return moments
    .map(({ name, timeMs }, i) => {
      const [x, y] = [left + (i % 3) * columnPx, top + Math.floor(i / 3) * 18]
      const beyond = timeMs < fromMs || timeMs > toMs ? ' (not shown)' : ''
      const { dash } = momentStyles[name]
      const dashed = dash === '' ? '' : ` stroke-dasharray="${dash}"`
      return `<line class="${className(name)}" x1="${px(x)}" x2="${px(x + 18)}" y1="${y - 4}" y2="${y - 4}" stroke-width="2"${dashed}/>
${text('text', x + 24, y, `${name} ${new Date(timeMs).toISOString().replace('.000Z', 'Z')}${beyond}`)}`
    })
    .join('\n')
}

/** Labels that would lie over each other get rows of their own; the row of each, the last one down. */
function labelRows(moments: readonly PlotMoment[], time: ScaleTime<number, number>) {
  const ends: number[] = []
  const of = moments.map(({ name, timeMs }) => {
    const x = time(timeMs)
    const length = name.length * characterPx + 8
    const [from, to] = isLeftOf(x, name) ? [x - length, x] : [x, x + length]
    let row = 0
    while (ends[row] !== undefined && ends[row]! > from) row++
    ends[row] = to
    return row
  })
  return { of, count: ends.length }
}

/** Whether a label goes left of its line, as right of it there is no room. */
function isLeftOf(x: number, name: string): boolean {
  return x + name.length * characterPx + 8 > right
}

/** Of all values, with some room; a state shows 0 and 1 at least. */
function extent(values: readonly number[], isState: boolean): [number, number] {
  const some = isState ? [...values, 0, 1] : values
  const low = some.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY)
  const high = some.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY)
  if (low > high) return [0, 1]
  const room = high > low ? (high - low) * 0.06 : Math.max(1e-9, Math.abs(high) * 0.05)
  return [low - room, high + room]
}

function text(of: string, x: number, y: number, content: string, anchor = 'start'): string {
  const anchored = anchor === 'start' ? '' : ` text-anchor="${anchor}"`
  return `<text class="${of}" x="${px(x)}" y="${px(y)}"${anchored}>${escaped(content)}</text>`
}

function className(name: string): string {
  return name.replace(' ', '-')
}

/** A tenth of a pixel is finer than anybody sees. */
function px(value: number): string {
  return String(Math.round(value * 10) / 10)
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** For text and attributes of XML 1.0; a character that it has no place for (section 2.2) becomes U+FFFD. */
export function escaped(content: string): string {
  return content
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replace(/[&<>"']/g, (character) => entities[character]!)
}
