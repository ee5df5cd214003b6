import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ApiClient } from '../../simulators/api-client.ts'
import type { LedgerEntry } from '../../simulators/ledger.ts'
import { verify } from '../../simulators/verify.ts'
import { scriptedApi } from '../support/scripted-api.ts'
import { tempDir } from '../support/temp-dir.ts'
import { clean, ledgerOf } from './ledger-file.ts'

describe('with an API that answers what a real one cannot be made to', () => {
  const entry: LedgerEntry = {
    device: 'a',
    seq: 1,
    ts: Date.UTC(2026, 0, 1),
    values: { v: 1 },
    sentAt: 0,
    ackedAt: 0,
  }

  type Items = { device: string; time: string; values: object }[]

  /** Answers items to a question about stored readings, whatever the times, and none to others. */
  async function scripted(
    items: Items | ((devices: string[]) => Items),
    pending: number[],
    fleet = { store: { kind: 'influxdb' }, devices: { total: 1 } },
  ): Promise<ApiClient> {
    const itemsFor = ({ pathname, searchParams }: URL) => {
      if (!pathname.endsWith('/readings:export')) return []
      return typeof items === 'function' ? items(searchParams.get('device')?.split(',') ?? []) : items
    }
    return scriptedApi((request, response) => {
      response.setHeader('content-type', 'application/json')
      const answer = request.url?.includes('/stats')
        ? {
            messages: { pending: pending.length > 1 ? pending.shift() : pending[0] },
            consumers: [],
            ...fleet,
          }
        : { items: itemsFor(new URL(request.url!, 'http://any')), nextCursor: null }
      response.end(JSON.stringify(answer))
    })
  }
  const stored = { device: 'a', time: new Date(entry.ts).toISOString(), values: entry.values }

  test('interrupted, it reads no ledger to its end', async () => {
    const ledger = join(tempDir(), 'long.ndjson')
    writeFileSync(ledger, `${JSON.stringify(entry)}\nthe end`)
    const api = (await scripted([], [0])).until(AbortSignal.abort())
    const error = { code: 'TIDEMARK_INTERRUPTED', exitCode: 130 }
    await expect(verify({ ledger, api, settleMs: 0 })).rejects.toMatchObject(error)
  })

  test('a reading that is stored twice is repeated', async () => {
    const api = await scripted([stored, stored, stored], [0])
    expect(await verify({ ledger: ledgerOf([entry]), api, settleMs: 0 })).toMatchObject({
      ...clean,
      stored: 3,
      repeated: 2,
      examples: ['repeated a 2026-01-01T00:00:00.000Z', 'repeated a 2026-01-01T00:00:00.000Z'],
    })
  })

  test('many devices with long names, whose differences are told in the order of the ledger', async () => {
    const entries = Array.from({ length: 600 }, (_, i) => ({
      ...entry,
      device: `${String((i * 7) % 600).padStart(3, '0')}${'-'.repeat(61)}`,
    }))
    const api = await scripted(
      (asked) =>
        asked
          .slice(1)
          .map((device) => ({ ...stored, device }))
          .toReversed(),
      [0],
    )
    const report = await verify({ ledger: ledgerOf(entries), api, settleMs: 0 })
    const groups = report.missing
    expect(groups).toBeGreaterThan(2)
    expect(report).toMatchObject({ devices: 600, acknowledged: 600, stored: 600 - groups })
    const told = report.examples.map((text) => entries.findIndex(({ device }) => text.includes(device)))
    expect(told).toEqual(told.toSorted((a, b) => a - b))
  })

  test.each([
    ['duckdb', 499, 'all'],
    ['duckdb', 700, 'by name'],
    ['influxdb', 300, 'by name'],
  ])('a ledger of 300 devices in %s of a fleet of %i: they are asked for %s', async (kind, total, how) => {
    const entries = Array.from({ length: 300 }, (_, i) => ({ ...entry, device: `d${i}` }))
    const asked: string[][] = []
    const api = await scripted(
      (devices) => {
        asked.push(devices)
        return (how === 'all' ? ['stranger', ...entries.map(({ device }) => device)] : devices).map(
          (device) => ({ ...stored, device }),
        )
      },
      [0],
      { store: { kind }, devices: { total } },
    )
    const report = await verify({ ledger: ledgerOf(entries), api, settleMs: 0 })
    expect(report).toEqual({ ...clean, devices: 300, acknowledged: 300, stored: 300 })
    expect(asked.map(({ length }) => length)).toEqual(how === 'all' ? [0] : [250, 50])
  })

  test('a device of which there is nothing but dead letters is not asked for', async () => {
    const letter = { ...entry, device: 'b', values: {}, deadLetter: 'payload.not_json' }
    const api = await scripted((asked) => (asked.join() === 'a' ? [stored] : []), [0])
    const report = await verify({ ledger: ledgerOf([entry, letter]), api, settleMs: 0 })
    expect(report).toMatchObject({ devices: 2, stored: 1, missing: 1, deadLettersMissing: 1 })
  })

  test('it compares only when nothing is pending any more', async () => {
    const pending = [5, 2, 0]
    const api = await scripted([stored], pending)
    expect(await verify({ ledger: ledgerOf([entry]), api, settleMs: 20_000 })).toMatchObject(clean)
    expect(pending).toEqual([0])
  })

  test('what is still pending when waiting ends is said beside what is missing', async () => {
    const api = await scripted([], [3])
    expect(await verify({ ledger: ledgerOf([entry]), api, settleMs: 150 })).toMatchObject({
      missing: 1,
      pending: 3,
    })
  })
})
