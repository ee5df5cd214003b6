import { describe, expect, test } from 'vitest'
import { escaped, type Plot, type PlotPanel, plotSvg } from '../../../simulators/score/plot.ts'

const fromMs = Date.UTC(2026, 10, 23)
const hourMs = 3_600_000
const panel = (change: Partial<PlotPanel> = {}): PlotPanel => ({
  label: 'temperature_c (°C)',
  points: [0, 1, 2, 3, 4].map((i) => [fromMs + i * hourMs, i * 2]),
  isState: false,
  limits: [],
  ...change,
})
const plot = (change: Partial<Plot> = {}): Plot => ({
  title: 'leak-1 on fridge-1',
  subtitle: 'not detected',
  fromMs,
  toMs: fromMs + 4 * hourMs,
  panels: [panel()],
  moments: [],
  ...change,
})
/** The path of the signal, or the paths of several. */
const paths = (svg: string) => [...svg.matchAll(/class="signal" d="([^"]*)"/g)].map(([, d]) => d!)
/** Where the line of a moment stands. */
const lineX = (svg: string, name: string) => {
  const found = new RegExp(
    `<line class="${name}" x1="([\\d.]+)" x2="([\\d.]+)" y1="[\\d.]+" y2="([\\d.]+)"`,
  ).exec(svg)
  return found === null || found[1] !== found[2] ? undefined : Number(found[1])
}

test('time runs from the left edge to the right one, values up', () => {
  const [path] = paths(plotSvg(plot()))
  const points = path!
    .slice(1)
    .split('L')
    .map((pair) => pair.split(' ').map(Number))
  expect(points.map(([x]) => x)).toEqual([76, 290, 504, 718, 932])
  const heights = points.map(([, y]) => y!)
  expect(heights).toEqual([...heights].sort((a, b) => b - a))
})

test('a moment stands at its time; one beyond the picture is only in the legend', () => {
  const svg = plotSvg(
    plot({
      moments: [
        { name: 'onset', timeMs: fromMs },
        { name: 'detected', timeMs: fromMs + 2 * hourMs },
        { name: 'warn by', timeMs: fromMs + 3 * hourMs },
        { name: 'failure', timeMs: fromMs + 4 * hourMs + 1 },
      ],
    }),
  )
  expect(['onset', 'detected', 'warn-by', 'failure'].map((name) => lineX(svg, name))).toEqual([
    76,
    504,
    718,
    undefined,
  ])
  expect(svg).toContain('>failure 2026-11-23T04:00:00.001Z (not shown)</text>')
  expect(svg).toContain('>detected 2026-11-23T02:00:00Z</text>')
})

test('labels that would lie over each other stand in rows', () => {
  const labelY = (svg: string, name: string) =>
    Number(new RegExp(`class="${name}-text" x="[\\d.]+" y="([\\d.]+)"`).exec(svg)?.[1])
  const apart = (ms: number) => {
    const svg = plotSvg(
      plot({
        moments: [
          { name: 'onset', timeMs: fromMs },
          { name: 'detectable', timeMs: fromMs + ms },
        ],
      }),
    )
    return labelY(svg, 'detectable') - labelY(svg, 'onset')
  }
  expect(apart(0)).toBe(16)
  expect(apart(2 * hourMs)).toBe(0)
})

test('a label near the right edge stands left of its line', () => {
  const svg = plotSvg(plot({ moments: [{ name: 'end', timeMs: fromMs + 4 * hourMs }] }))
  expect(svg).toMatch(/class="end-text" x="928" y="74" text-anchor="end"/)
})

test('the line breaks where readings are missing, and a reading alone is a dot', () => {
  const minutes = [0, 1, 2, 3, 60, 120, 121, 122]
  const points = minutes.map((minute) => [fromMs + minute * 60_000, 1] as const)
  const svg = plotSvg(plot({ panels: [panel({ points })] }))
  expect(paths(svg)[0]!.match(/M/g)).toHaveLength(3)
  expect(svg.match(/<circle/g)).toHaveLength(1)
})

test('a state holds until the next, between 0 and 1', () => {
  const points = [0, 1, 1, 0].map((value, i) => [fromMs + i * hourMs, value] as const)
  const svg = plotSvg(plot({ panels: [panel({ points, isState: true })] }))
  expect(paths(svg)[0]).toMatch(/^M[\d.]+ [\d.]+(H[\d.]+V[\d.]+){3}$/)
  const always = plotSvg(plot({ panels: [panel({ points: [[fromMs, 1]], isState: true })] }))
  expect(always).toMatch(/>0<\/text>[\s\S]*>1<\/text>/)
})

test('a limit is in the picture even where the signal never comes near', () => {
  expect(plotSvg(plot({ panels: [panel({ limits: [50] })] }))).toMatch(/>50<\/text>[\s\S]*>limit 50<\/text>/)
})

test('without a reading it says so; a value that never changes is drawn', () => {
  expect(plotSvg(plot({ panels: [panel({ points: [] })] }))).toContain('no readings are stored')
  const flat = plotSvg(
    plot({
      panels: [
        panel({
          points: [
            [fromMs, 0],
            [fromMs + hourMs, 0],
          ],
        }),
      ],
    }),
  )
  expect(flat).not.toContain('NaN')
})

test('ticks are times of day in UTC, and dates at midnight', () => {
  const svg = plotSvg(plot({ toMs: fromMs + 48 * hourMs }))
  for (const tick of ['Nov 24', '06:00', '18:00']) expect(svg).toContain(`>${tick}</text>`)
})

describe('what comes from outside', () => {
  const hostile = '</text><script>alert("1")</script>&\'\u0000\uD800'

  test('is text in it and nothing else', () => {
    const svg = plotSvg(plot({ title: hostile, subtitle: hostile, panels: [panel({ label: hostile })] }))
    expect(svg).not.toContain('<script')
    expect(svg).not.toMatch(/&(?!amp;|lt;|gt;|quot;|#39;)/)
    expect(svg.split('&lt;/text&gt;&lt;script&gt;')).toHaveLength(6)
  })

  test('has no character that XML has no place for', () => {
    expect(escaped(hostile)).toBe(
      '&lt;/text&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;\uFFFD\uFFFD',
    )
    expect(escaped('°C µ 😀\n\t')).toBe('°C µ 😀\n\t')
  })
})

test('nothing is fetched from elsewhere, and both themes are there', () => {
  const svg = plotSvg(plot())
  expect(svg).not.toMatch(/href|url\(|@import|@font-face/)
  expect(svg.match(/https?:[^"]*/g)).toEqual(['http://www.w3.org/2000/svg'])
  expect(svg).toContain('@media (prefers-color-scheme: dark)')
})
