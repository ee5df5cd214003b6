import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lineGroups } from '../../http/ndjson.ts'

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function linesOf(
  text: string,
  chunkBytes: number,
  lineBytesMax: number,
): Promise<(string | undefined)[]> {
  const lines: (string | undefined)[] = []
  for await (const group of lineGroups(chunksOf(Buffer.from(text), chunkBytes), lineBytesMax))
    lines.push(...group)
  return lines
}

test('lines are the same however the bytes are cut, characters of several bytes included', async () => {
  const text = 'a\r\n\nbä€😀\n  c  \nlast'
  for (let size = 1; size < 25; size++) {
    expect(await linesOf(text, size, 100), `${size}`).toEqual(['a', 'bä€😀', 'c', 'last'])
  }
})

test('any text splits as String.split does', async () => {
  const line = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', '').trim())
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 9 }), async (lines, size) => {
      // A lone surrogate has no bytes of its own.
      const sound = lines.map((text) => text.toWellFormed())
      const expected = sound.map((text) => text.trim()).filter((text) => text !== '')
      expect(await linesOf(sound.join('\n'), size, 10_000)).toEqual(expected)
    }),
    { numRuns: 200 },
  )
})

test('a line over the limit is undefined and the next one is whole again', async () => {
  for (const size of [1, 3, 7, 100]) {
    expect(await linesOf(`${'x'.repeat(11)}\n${'y'.repeat(10)}\n${'z'.repeat(50)}`, size, 10)).toEqual([
      undefined,
      'y'.repeat(10),
      undefined,
    ])
  }
})

test('of a line without end no more than the limit is kept', async () => {
  let sent = 0
  async function* endless(): AsyncGenerator<Buffer> {
    for (; sent < 2_000; sent++) yield Buffer.alloc(100_000, 'x')
  }
  const before = process.memoryUsage().arrayBuffers
  const groups: (string | undefined)[][] = []
  for await (const group of lineGroups(endless(), 1_000)) groups.push(group)
  // 200 MB went through; what is kept is none of it, beside garbage not yet collected.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(150_000_000)
  expect(groups).toEqual([[undefined]])
})
