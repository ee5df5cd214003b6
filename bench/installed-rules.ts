/** What the generator sends; the register counts its messages up. */
export const usualValues = {
  active_power_w: 1234.5,
  voltage_v: 230.1,
  current_a: 5.37,
  frequency_hz: 50.01,
} as const
const register = 'energy_import_kwh'
export const benchMetrics = [...Object.keys(usualValues), register] as const

/** The lowest limit lies at this multiple of what is usual; the next ones above it. */
const [lowest, step] = [2, 0.1]
/** Every so many rules of the register one holds for a span of it: up, and gone again. */
const spanEvery = 10
const [spanStart, spanLength] = [1_500, 500]

/**
 * `count` threshold rules as they are posted, in turn over the metrics. The first of each metric is never met; of the others
 * those of the register now and then, each device once, and the rest as soon as a value is twice what is usual.
 */
export function installedRules(count: number): object[] {
  return Array.from({ length: count }, (_, i) => {
    const metric = benchMetrics[i % benchMetrics.length]!
    const nth = Math.floor(i / benchMetrics.length)
    return {
      name: nth === 0 ? `${metric} high` : `${metric} high ${nth}`,
      class: 'maintenance',
      severity: 'info',
      when: { kind: 'threshold', metric, ...comparison(metric, nth) },
    }
  })
}

function comparison(metric: string, nth: number): object {
  if (nth === 0) return { above: 1e9 }
  if (metric !== register)
    return { above: usualValues[metric as keyof typeof usualValues] * (lowest + step * (nth - 1)) }
  if (nth % spanEvery !== 0) return { above: 1e9 + nth }
  const start = (nth / spanEvery) * spanStart
  return { inside: [start, start + spanLength] }
}

/** A value that meets one rule alone: that of the lowest limit. */
export function valueOverLowestLimit(metric: keyof typeof usualValues): number {
  return usualValues[metric] * (lowest + step / 2)
}
