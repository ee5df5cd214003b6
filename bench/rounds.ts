/** The one whose figure is the median; of an even number the upper of the middle two. */
export function median<T>(of: readonly T[], figure: (one: T) => number): T {
  return of.toSorted((a, b) => figure(a) - figure(b))[of.length >> 1]!
}

export function round(value: number, decimals = 1): number {
  return Math.round(value * 10 ** decimals) / 10 ** decimals
}
