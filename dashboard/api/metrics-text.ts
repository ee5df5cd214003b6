/** Samples of the Prometheus text format by name and labels, as they stand there: `a_bucket{le="0.1"}` → 7. */
export function parseMetrics(text: string): Map<string, number> {
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const space = line.lastIndexOf(' ')
    samples.set(line.slice(0, space), Number(line.slice(space + 1)))
  }
  return samples
}

/** Observations of a histogram at or below `le`, cumulative, in order of `le`. */
export type Buckets = readonly { readonly le: number; readonly count: number }[]

export function histogramBuckets(samples: ReadonlyMap<string, number>, name: string): Buckets {
  const prefix = `${name}_bucket{le="`
  return [...samples]
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, count]) => {
      const le = key.slice(prefix.length, key.indexOf('"', prefix.length))
      return { le: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), count }
    })
    .sort((a, b) => a.le - b.le)
}

/** What was observed between two moments. */
export function bucketsSince(now: Buckets, before: Buckets): Buckets {
  const earlier = new Map(before.map(({ le, count }) => [le, count]))
  return now.map(({ le, count }) => ({ le, count: count - (earlier.get(le) ?? 0) }))
}

/**
 * The `q` quantile, within its bucket on a straight line (as Prometheus' histogram_quantile); undefined without observations. What lies
 * beyond the last bound is told as that bound.
 */
export function quantile(buckets: Buckets, q: number): number | undefined {
  const total = buckets.at(-1)?.count ?? 0
  if (total <= 0) return undefined
  const rank = q * total
  let [below, bound] = [0, 0]
  for (const { le, count } of buckets) {
    if (count >= rank && count > below) {
      if (le === Number.POSITIVE_INFINITY) return bound
      return bound + ((le - bound) * (rank - below)) / (count - below)
    }
    below = count
    if (le !== Number.POSITIVE_INFINITY) bound = le
  }
  return bound
}
