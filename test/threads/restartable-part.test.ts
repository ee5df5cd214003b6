import { afterAll, expect, test } from 'vitest'
import { createLogger } from '../../lib/logger.ts'
import { consume } from '../../log/consume.ts'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import { consumers, type Log } from '../../log/log.ts'
import { RestartablePart } from '../../threads/restartable-part.ts'
import { newTempDir } from '../support/temp-dir.ts'

const dir = newTempDir()
const log = await openLmdbLog({ path: dir.path })
afterAll(async () => {
  await log.close()
  dir.remove()
})

const logger = createLogger('silent', { part: 'test' })
const messages = 2_000
/** Groups that were evaluated, whether or not they were committed. */
let evaluated = 0
let onEvaluated: () => void = () => undefined

/** Copies `ingress` to `dead-letters`; a turn of the loop lies between what it evaluates and what it commits. */
function copier(own: Log) {
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  return {
    start: () => {
      running = consume({
        log: own,
        logger,
        stream: 'ingress',
        consumer: consumers.ingest,
        limits: { entriesMax: 7, bytesMax: 1_000 },
        gatherMs: 0,
        signal: stopping.signal,
        process: async (records, next) => {
          evaluated++
          onEvaluated()
          await new Promise((resolve) => setImmediate(resolve))
          await own.transaction((tx) => {
            for (const { value } of records) tx.append('dead-letters', value, 1)
            tx.commitOffset(consumers.ingest, next)
          })
          return true
        },
      })
    },
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}

test('a part that is cut off again and again loses nothing and repeats nothing', async () => {
  await Promise.all(Array.from({ length: messages }, (_, n) => log.appendIngress(Buffer.from(String(n)), 1)))
  const part = new RestartablePart(log, copier)
  part.start()
  for (let kill = 0; kill < 20; kill++) {
    await new Promise<void>((resolve) => {
      onEvaluated = resolve
    })
    const before = log.offset(consumers.ingest)
    const restarted = part.restart()
    onEvaluated = () => undefined
    expect(await restarted).toBe(kill + 1)
    // In mid-stream, not after its end.
    expect(before).toBeLessThan(messages)
  }
  while (log.offset(consumers.ingest) < messages)
    await log.waitFor('dead-letters', log.end('dead-letters'), 1_000)
  await part.stop()
  const copied = log.read('dead-letters', 0, { entriesMax: messages + 1, bytesMax: 1e9 })
  expect(copied.map(({ value }) => Number(value.toString()))).toEqual(
    Array.from({ length: messages }, (_, n) => n),
  )
  // Cut off between evaluation and commit, a group is evaluated a second time.
  expect(evaluated).toBeGreaterThan(Math.ceil(messages / 7))
})
