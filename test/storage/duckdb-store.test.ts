import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, onTestFinished, test } from 'vitest'
import type { DeliveredEvent } from '../../domain/event.ts'
import { DuckDbStore } from '../../storage/duckdb-store.ts'
import { batchOf } from '../support/reading-batches.ts'
import { smallDisk, smallDiskAvailable } from '../support/small-disk.ts'
import { tempDir } from '../support/temp-dir.ts'

/** What is DuckDB's own; the rest is in the conformance suite. */
const t0 = Date.UTC(2026, 0, 1)
const mib = 1024 * 1024

async function openStore(path: string): Promise<DuckDbStore> {
  const store = new DuckDbStore({ path, memoryLimitMb: 128 })
  await store.open()
  onTestFinished(() => store.close())
  return store
}

const count = async (store: DuckDbStore) => {
  const query = { device: 'd', type: 'generic', metrics: ['a'], from: 0, to: Date.UTC(2100, 0, 1) }
  const windows = await store.readings({ ...query, everyMs: 86_400_000, fn: 'count', limit: 10 })
  return windows.reduce((sum, { values }) => sum + Number(values.a), 0)
}

test('a file that is no database is refused with a code', async () => {
  const dir = tempDir()
  const store = new DuckDbStore({ path: dir, memoryLimitMb: 128 })
  await expect(store.open()).rejects.toMatchObject({ code: 'TIDEMARK_STORE_OPEN' })
})

test('a store that is closed stays closed', async () => {
  const store = await openStore(join(tempDir(), 'readings.duckdb'))
  await store.close()
  const failure = { code: expect.stringMatching(/^TIDEMARK_STORE_/) }
  await expect(store.write([])).rejects.toMatchObject(failure)
  await expect(store.purge({ device: 'd', type: 'generic' })).rejects.toMatchObject(failure)
  await expect(count(store)).rejects.toMatchObject(failure)
})

test('two writes at once of the same late readings store them once', async () => {
  const store = await openStore(join(tempDir(), 'readings.duckdb'))
  const batch = batchOf(
    [0, 1, 2].map((i) => ({ device: 'd', type: 'generic', time: t0 + i, values: { a: i } })),
  )
  await Promise.all([store.write([batch]), store.write([batch]), store.write([batch])])
  expect(await count(store)).toBe(3)
})

/** Device and message of each stored event, by id; the store has been closed. */
async function storedEvents(path: string): Promise<Record<string, string>> {
  const instance = await DuckDBInstance.create(path)
  const connection = await instance.connect()
  const result = await connection.runAndReadAll('SELECT id, device, body FROM event')
  connection.closeSync()
  instance.closeSync()
  const rows = result.getRows() as [string, string, string][]
  return Object.fromEntries(
    rows.map(([id, device, body]) => [id, `${device} ${(JSON.parse(body) as DeliveredEvent).data.message}`]),
  )
}

test('of an event that is written again the newest is kept, and what was purged does not come back with others', async () => {
  const path = join(tempDir(), 'readings.duckdb')
  const store = await openStore(path)
  const event = (id: string, device: string, message: string) =>
    ({ id, time: new Date(t0).toISOString(), data: { device, message } }) as DeliveredEvent
  const groups = [
    [event('a', 'd', 'first'), event('b', 'gone', 'first')],
    [event('a', 'd', 'second'), event('c', 'd', 'first'), event('c', 'd', 'second')],
  ]
  for (const group of groups) expect(await store.writeEvents(group)).toEqual({ kind: 'done' })
  await store.purge({ device: 'gone', type: 'generic' })
  expect(await store.writeEvents([event('e', 'd', 'first')])).toEqual({ kind: 'done' })
  await store.close()
  expect(await storedEvents(path)).toEqual({ a: 'd second', c: 'd second', e: 'd first' })
})

test.runIf(smallDiskAvailable())(
  'a disk that is full, in a commit or in a checkpoint, refuses with a code; with space again nothing is missing or twice',
  async () => {
    const disk = smallDisk(96 * mib)
    const store = await openStore(join(disk.path, 'readings.duckdb'))
    const rows = 50
    let written = 0
    // Texts that do not compress, so that a few writes fill the disk.
    const next = () =>
      batchOf(
        Array.from({ length: rows }, (_, i) => ({
          ...{ device: 'd', type: 'generic', time: t0 + written + i },
          values: { a: i, noise: randomBytes(6_000).toString('base64') },
        })),
      )
    const details: string[] = []
    // DuckDB writes its log first and, when that has 16 MiB, the file itself: each room ends in one of the two.
    for (const roomMib of [4, 20]) {
      disk.fill(roomMib * mib)
      let outcome = await store.write([next()])
      for (; outcome.kind === 'done'; outcome = await store.write([next()])) written += rows
      details.push(outcome.detail)
      expect(outcome).toMatchObject({ kind: 'retry', code: 'TIDEMARK_STORE_ERROR' })
      disk.empty()
      await expect.poll(() => store.write([next()]), { timeout: 10_000 }).toMatchObject({ kind: 'done' })
      written += rows
      expect(await count(store)).toBe(written)
    }
    expect(details.some((detail) => detail.includes('checkpoint'))).toBe(true)
  },
)
