/**
 * Lines of a byte stream, as many as each chunk completes, so that they can be worked on together. A line longer than
 * `lineBytesMax` comes as undefined and is not kept: what is in memory is bounded, whatever is sent. Blank lines are left out.
 */
export async function* lineGroups(
  input: AsyncIterable<Buffer | string>,
  lineBytesMax: number,
): AsyncGenerator<(string | undefined)[]> {
  let begun: Buffer[] = []
  let begunBytes = 0
  const add = (piece: Buffer) => {
    begunBytes += piece.length
    if (begunBytes <= lineBytesMax) begun.push(piece)
    else begun = []
  }
  const take = (): (string | undefined)[] => {
    const isTooLong = begunBytes > lineBytesMax
    // Decoded only when whole: a character may be spread over two chunks.
    const text = Buffer.concat(begun).toString().trim()
    begun = []
    begunBytes = 0
    return isTooLong ? [undefined] : text === '' ? [] : [text]
  }
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk)
    const group: (string | undefined)[] = []
    let from = 0
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, from)) {
      add(bytes.subarray(from, at))
      group.push(...take())
      from = at + 1
    }
    add(bytes.subarray(from))
    if (group.length > 0) yield group
  }
  const last = take()
  if (last.length > 0) yield last
}
