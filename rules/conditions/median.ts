/**
 * The median of the first `count` values, of an even count the mean of the middle two; NaN of none. It reorders them: selecting
 * (Hoare's FIND) takes time in proportion to their number, where sorting would not. So it does in whatever order they come, as the
 * pivots are drawn: distances from a median, as a median leaves them, fall and rise again, and the one in the middle is the worst.
 */
export function medianOf(values: Float64Array, count: number): number {
  if (count === 0) return Number.NaN
  const middle = count >>> 1
  select(values, count, middle)
  const upper = values[middle]!
  if (count % 2 === 1) return upper
  let lower = values[0]!
  for (let i = 1; i < middle; i++) if (values[i]! > lower) lower = values[i]!
  // Halved first: the sum of two large numbers may be infinite.
  return lower / 2 + upper / 2
}

/** Moves the value that sorting would put at `k` there, and none that is larger before it. */
function select(values: Float64Array, count: number, k: number): void {
  let left = 0
  let right = count - 1
  let drawn = 1
  while (left < right) {
    // Park and Miller's generator; below 2^53.
    drawn = (drawn * 48_271) % 2_147_483_647
    const pivot = values[left + (drawn % (right - left + 1))]!
    let i = left
    let j = right
    while (i <= j) {
      while (values[i]! < pivot) i++
      while (values[j]! > pivot) j--
      if (i > j) break
      const moved = values[i]!
      values[i++] = values[j]!
      values[j--] = moved
    }
    if (j < k) left = i
    if (k < i) right = j
  }
}
