import { expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '../../lib/logger.ts'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import { consumers, type SharedStreamName } from '../../log/log.ts'
import { Retention, type RetentionOptions } from '../../log/retention.ts'
import { tempDir } from '../support/temp-dir.ts'

async function setUp(options: Partial<RetentionOptions> = {}) {
  const log = await openLmdbLog({ path: tempDir() })
  onTestFinished(() => log.close())
  const append = (stream: SharedStreamName, records: number) =>
    log.transaction((tx) => {
      for (let i = 0; i < records; i++) tx.append(stream, Buffer.from(`r${i}`), 1)
    })
  const commit = (offsets: Record<string, number>) =>
    log.transaction((tx) => {
      for (const [consumer, offset] of Object.entries(offsets)) tx.commitOffset(consumer, offset)
    })
  return { log, append, commit, retention: new Retention({ log, logger: silentLogger, ...options }) }
}

test('a stream is kept from its slowest consumer on', async () => {
  const { log, append, commit, retention } = await setUp()
  for (let i = 0; i < 10; i++) await log.appendIngress(Buffer.from('m'), 1)
  await append('readings', 10)
  await commit({
    [consumers.ingest]: 6,
    [consumers.storage]: 8,
    [consumers.rules]: 3,
    [consumers.analytics]: 5,
  })
  await retention.sweep()
  expect([log.start('ingress'), log.start('readings')]).toEqual([6, 3])
})

test('a consumer that never committed keeps everything', async () => {
  const { log, append, commit, retention } = await setUp()
  await append('readings', 10)
  await commit({ [consumers.storage]: 10 })
  await retention.sweep()
  expect(log.start('readings')).toBe(0)
})

test('events stay for those who ask later, but never more than are needed', async () => {
  const { log, append, commit, retention } = await setUp({ eventsKept: 4 })
  await append('events', 10)
  await commit({ [consumers.eventStorage]: 10, [consumers.webhooks]: 10, [consumers.eventDelivery]: 3 })
  await retention.sweep()
  expect(log.start('events')).toBe(3)
  await commit({ [consumers.eventDelivery]: 10 })
  await retention.sweep()
  expect(log.start('events')).toBe(6)
})

test('the oldest dead letters go when there are too many', async () => {
  const { log, append, retention } = await setUp({ deadLettersKept: 3 })
  await append('dead-letters', 10)
  await retention.sweep()
  expect(log.start('dead-letters')).toBe(7)
})

test('the oldest dead letters go when they are too large together', async () => {
  const { log, append, retention } = await setUp({ deadLetterBytesKept: 2_000 })
  await append('dead-letters', 100)
  await log.transaction((tx) => void tx.append('dead-letters', Buffer.alloc(984), 1))
  for (let sweep = 0; sweep < 8; sweep++) await retention.sweep()
  const { start, end, bytes } = log.stats().streams['dead-letters']
  expect(bytes).toBeLessThanOrEqual(2_000)
  expect([end, end - start > 30]).toEqual([101, true])
})

test('changes of connections go once the rules have had them', async () => {
  const { log, append, commit, retention } = await setUp()
  await append('connections', 10)
  await retention.sweep()
  expect(log.start('connections')).toBe(0)
  await commit({ [consumers.rulesConnections]: 6 })
  await retention.sweep()
  expect(log.start('connections')).toBe(6)
})

test('changes of connections that nobody reads do not grow for ever', async () => {
  const { log, append, commit, retention } = await setUp({ connectionsKept: 4 })
  await append('connections', 10)
  await commit({ [consumers.rulesConnections]: 2 })
  await retention.sweep()
  expect(log.start('connections')).toBe(6)
})

test('a stopped sweeper has stopped', async () => {
  const { log, append, retention } = await setUp({ deadLettersKept: 1 })
  await append('dead-letters', 5)
  retention.start()
  await expect.poll(() => log.start('dead-letters')).toBe(4)
  await retention.stop()
  await append('dead-letters', 5)
  expect(log.start('dead-letters')).toBe(4)
})
