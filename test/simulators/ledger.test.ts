import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type LedgerEntry, LedgerWriter, readLedger } from '../../simulators/ledger.ts'
import { tempDir } from '../support/temp-dir.ts'

const entry = (seq: number): LedgerEntry => ({
  device: 'a',
  seq,
  ts: 1_732_000_000_000 + seq,
  values: { temperature_c: 4.2, door_open: false, activity: 'sit' },
  sentAt: 1_732_000_000_000,
  ackedAt: 1_732_000_000_001.5,
})

async function entriesOf(path: string): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = []
  for await (const read of readLedger(path)) entries.push(read)
  return entries
}

test('what was written is read again, line by line, in order', async () => {
  const path = join(tempDir(), 'ledger.ndjson')
  const ledger = new LedgerWriter(path)
  const entries = Array.from({ length: 1_234 }, (_, i) => entry(i))
  for (const one of entries) ledger.add(one)
  ledger.close()
  const lines = readFileSync(path, 'utf8').split('\n')
  expect(lines).toHaveLength(1_235)
  expect(Object.keys(JSON.parse(lines[0]!))).toEqual(['device', 'seq', 'ts', 'values', 'sentAt', 'ackedAt'])
  expect(await entriesOf(path)).toEqual(entries)
})

test('a second run appends to the ledger of the first', async () => {
  const path = join(tempDir(), 'ledger.ndjson')
  for (const seq of [1, 2]) {
    const ledger = new LedgerWriter(path)
    ledger.add(entry(seq))
    ledger.close()
  }
  expect((await entriesOf(path)).map(({ seq }) => seq)).toEqual([1, 2])
})

test('a ledger that cannot be written is said at once: exit code 2', () => {
  const path = join(tempDir(), 'missing', 'ledger.ndjson')
  expect(() => new LedgerWriter(path)).toThrow(
    expect.objectContaining({ code: 'TIDEMARK_LEDGER_INVALID', exitCode: 2 }),
  )
  expect(existsSync(path)).toBe(false)
})

test.skipIf(!existsSync('/dev/full'))(
  'what a full disk does not take is said when it is closed: exit code 2',
  () => {
    const writer = new LedgerWriter('/dev/full')
    writer.add(entry(1))
    expect(() => writer.close()).toThrow(
      expect.objectContaining({ code: 'TIDEMARK_LEDGER_INVALID', exitCode: 2 }),
    )
  },
)

test.each([
  ['a torn last line', `${JSON.stringify(entry(1))}\n{"device":"a","se`, 'line 2'],
  ['something else', '{"a":1}\n', 'line 1: /device'],
  ['a time that is none', JSON.stringify({ ...entry(1), ts: 'now' }), 'line 1: /ts'],
  ['a value that no reading has', JSON.stringify({ ...entry(1), values: { a: [1] } }), 'line 1: /values/a'],
])('%s is refused with its line: exit code 2', async (_case, text, where) => {
  const path = join(tempDir(), 'ledger.ndjson')
  writeFileSync(path, text)
  await expect(entriesOf(path)).rejects.toMatchObject({
    code: 'TIDEMARK_LEDGER_INVALID',
    exitCode: 2,
    message: expect.stringContaining(where),
  })
})

test.each(['missing', 'folder'])('a %s instead of a file: exit code 2', async (name) => {
  const dir = tempDir()
  mkdirSync(join(dir, 'folder'))
  await expect(entriesOf(join(dir, name))).rejects.toMatchObject({
    code: 'TIDEMARK_LEDGER_INVALID',
    exitCode: 2,
  })
})
