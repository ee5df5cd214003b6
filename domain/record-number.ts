/** What names the record at `offset` of a stream to the outside, 20 digits, so that text order is number order; the first is 1, so that `after=0` is from the beginning. */
export function recordNumber(offset: number): string {
  return String(offset + 1).padStart(20, '0')
}
