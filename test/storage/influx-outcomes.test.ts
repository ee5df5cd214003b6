import { expect, test } from 'vitest'
import { silentLogger } from '../../lib/logger.ts'
import { hash32, randomAt } from '../../lib/prng.ts'
import { InfluxStore } from '../../storage/influx-store.ts'
import { encodeLines } from '../../storage/line-protocol.ts'
import { tellFigures } from '../support/figures.ts'
import { newSeed, sizeOf } from '../support/promises.ts'
import { batchOf, type TestReading } from '../support/reading-batches.ts'
import { answer, type ScriptedAnswer, startScriptedInflux } from './scripted-influx.ts'

/**
 * R4: random batches with bad lines anywhere, to a database that gives random odd answers between its own: in the end it has every
 * good line, every bad one is rejected with what it said of it, and until then all are kept.
 */
const seeds = sizeOf('TIDEMARK_ANSWER_SEEDS')
const t0 = Date.UTC(2026, 0, 1)
const requestsMax = 5_000
/** Longer than an answer takes; one that comes later all the same is as good as none. */
const timeoutMs = 150
const page = '<html>please log in</html>'

/** Answers that say nothing of the lines. Of some nobody can tell whether the lines were taken before. */
const oddAnswers: readonly (readonly [name: string, answer: ScriptedAnswer, mayHaveTaken?: boolean])[] = [
  ["a proxy's 200", answer(200, page)],
  ['302', answer(302, '', { location: 'http://127.0.0.1:1/' })],
  ["a proxy's 400", answer(400, page)],
  ['401', answer(401, '{"error":"authorization failed"}')],
  ['403', answer(403, '{"error":"forbidden"}')],
  ["a proxy's 404", answer(404, page)],
  ['404 of the database', answer(404, '{"error":"database not found: \\"tidemark\\""}')],
  ['429', answer(429, '', { 'retry-after': '3' })],
  ['500 timeout', answer(500, '{"error":"timeout"}'), true],
  ['500 cache full', answer(500, '{"error":"engine: cache-max-memory-size exceeded: (1/1)"}')],
  ['502', answer(502, page), true],
  ['503', answer(503, '', { 'retry-after': '7' })],
  ['no answer', () => undefined, true],
  ['a reset connection', (response) => response.socket?.resetAndDestroy(), true],
  [
    'an answer that is cut off',
    (response) => {
      response.writeHead(500, { 'content-length': '1000' })
      response.write('{"error":', () => response.socket?.destroy())
    },
    true,
  ],
]

/** How a database refuses lines that it does not take. */
const refusals = [
  { version: '1', status: 400, takesTheRest: true },
  { version: '2', status: 400, takesTheRest: false },
  { version: '2', status: 422, takesTheRest: false },
] as const
const said = 'partial write: no such type'

const isBad = (line: string) => line.includes('device=bad')

test(
  'whatever odd answers come between: every line is taken, rejected with a reason or kept',
  async () => {
    const seed = newSeed()
    const counts = { cases: 0, writes: 0, odd: 0, kept: 0, taken: 0, rejected: 0 }
    for (let n = 0; n < seeds; n++) {
      for (const [name, ...odd] of oddAnswers) {
        const done = await untilDone(`${seed + n} ${name}`, odd)
        counts.cases++
        counts.writes += done.writes
        counts.odd += done.odd
        counts.kept += done.retries
        counts.taken += done.taken.size
        counts.rejected += done.rejected.length
        expect(done.rejected, `seed ${seed + n}, ${name}`).toEqual(done.expected.rejected)
        expect([...done.taken].sort(), `seed ${seed + n}, ${name}`).toEqual(done.expected.taken)
      }
    }
    tellFigures({ seed, seeds, ...counts })
    expect(counts.odd).toBeGreaterThanOrEqual(counts.cases)
  },
  Math.max(60_000, seeds * 20_000),
)

/** Writes random batches again and again, as the storage writer does, to a database that begins with odd answers. */
async function untilDone(seed: string, certain: readonly [ScriptedAnswer, boolean?]) {
  const key = hash32(seed)
  let drawn = 0
  const below = (n: number) => Math.floor(randomAt(key, drawn++) * n)
  const readings = Array.from({ length: 1 + below(40) }, (_, i): TestReading => {
    const device = below(8) === 0 ? `bad${i}` : `good${i}`
    return { device, type: 'generic', time: t0 + i, values: { v: below(100), on: below(2) === 0 } }
  })
  const cut = below(readings.length)
  const batches = [readings.slice(0, cut), readings.slice(cut)].filter(({ length }) => length > 0)
  const written = batches.map((batch) => batchOf(batch))

  const { version, status, takesTheRest } = refusals[below(refusals.length)]!
  const bodyBytesMax = below(3) === 0 ? 200 : Number.POSITIVE_INFINITY
  // The certain one comes among the first requests, of which there are as many as there are halves of a batch.
  const certainAt = below(2)
  const [taken, requests] = [new Set<string>(), { all: 0, odd: 0 }]
  const influx = await startScriptedInflux(version, (response, body) => {
    const at = requests.all++
    const lines = body.split('\n')
    const take = (some: readonly string[]) => {
      for (const line of some) taken.add(line)
    }
    const isOdd = at === certainAt || (at < 30 && below(4) === 0)
    if (isOdd) {
      requests.odd++
      const random = oddAnswers[below(oddAnswers.length)]!
      const [odd, mayHaveTaken] = at === certainAt ? certain : [random[1], random[2]]
      if (mayHaveTaken === true && below(2) === 0) take(lines.filter((line) => !isBad(line)))
      return odd(response, body)
    }
    if (body.length > bodyBytesMax) return answer(413)(response, body)
    const good = lines.filter((line) => !isBad(line))
    if (good.length === lines.length || takesTheRest) take(good)
    return good.length === lines.length
      ? answer(204)(response, body)
      : answer(status, JSON.stringify({ error: said }))(response, body)
  })
  const store = new InfluxStore(
    { url: influx.url, version, org: 'tidal', bucket: 'tidemark', timeoutMs },
    silentLogger,
  )
  await store.open()
  for (let retries = 0; ; retries++) {
    const outcome = await store.write(written)
    if (outcome.kind === 'retry') {
      expect(outcome.afterMs).toBeGreaterThan(0)
      if (requests.all > requestsMax) throw new Error(`${seed}: no end`)
      // The certain one has to come, also of a batch that would be done without.
      continue
    }
    if (requests.odd === 0) continue
    const rows = written.flatMap((batch, index) =>
      encodeLines(batch).map((line, row) => ({ batch: index, row, line })),
    )
    return {
      writes: requests.all,
      odd: requests.odd,
      retries,
      taken,
      rejected: outcome.rejected.map(({ batch, row, detail }) => ({
        batch,
        row,
        isSaid: detail.includes(said),
      })),
      expected: {
        rejected: rows
          .filter(({ line }) => isBad(line))
          .map(({ batch, row }) => ({ batch, row, isSaid: true })),
        taken: rows.flatMap(({ line }) => (isBad(line) ? [] : [line])).sort(),
      },
    }
  }
}
