import { expect, test } from 'vitest'
import { type CommitTarget, GroupCommitter } from '../../broker/group-committer.ts'
import { TidemarkError } from '../../lib/errors.ts'
import { silentLogger } from '../../lib/logger.ts'
import { IngressGroupReader } from '../../log/ingress-codec.ts'
import { poll, upTo } from './raw-client.ts'

/** A log of which each append waits until the test ends it. */
class StepLog {
  readonly groups: string[][] = []
  readonly pending: { resolve: (offset: number) => void; reject: (error: Error) => void }[] = []
  receivedAt: number[] = []

  appendIngress(value: Uint8Array): Promise<number> {
    const reader = new IngressGroupReader(Buffer.from(value))
    this.receivedAt.push(reader.receivedAt)
    const group: string[] = []
    while (reader.next()) {
      group.push(`${reader.device} ${reader.bytes.toString('utf8', reader.payloadStart, reader.payloadEnd)}`)
    }
    this.groups.push(group)
    return new Promise((resolve, reject) => this.pending.push({ resolve, reject }))
  }
}

/** Notes what it is told. */
class NotingTarget implements CommitTarget {
  readonly deviceId: string
  readonly told: (number | string)[] = []

  constructor(id: string) {
    this.deviceId = id
  }

  committed(messageId: number, group: Buffer, start: number, end: number, callback?: () => void): void {
    this.told.push(messageId >= 0 ? messageId : group.toString('utf8', start, end))
    callback?.()
  }

  flush(): void {
    this.told.push('flush')
  }

  refused(): void {
    this.told.push('refused')
  }
}

function setUp(holdMs = 5_000) {
  const log = new StepLog()
  const committer = new GroupCommitter({
    log,
    clock: { now: () => 1_732_000_000_000 },
    logger: silentLogger,
    holdMs,
  })
  const add = (target: CommitTarget, payload: string, messageId = -1, done?: () => void) =>
    committer.add(target, 0, Buffer.from(payload), 0, Buffer.byteLength(payload), messageId, done)
  return { log, committer, add }
}

test('what comes while one group commits is the next group; each is acknowledged in order, with one flush a target', async () => {
  const { log, committer, add } = setUp()
  const [a, b] = [new NotingTarget('a'), new NotingTarget('b')]
  add(a, 'one', 1)
  await expect.poll(() => log.groups, poll).toEqual([['a one']])
  for (const id of [2, 3]) add(a, `${id}`, id)
  add(b, 'four', 4)
  add(a, 'silent')
  expect(a.told).toEqual([])
  log.pending[0]!.resolve(0)
  await expect.poll(() => log.groups[1], poll).toEqual(['a 2', 'a 3', 'b four', 'a silent'])
  expect([a.told, b.told]).toEqual([[1, 'flush'], []])
  log.pending[1]!.resolve(1)
  await committer.drain()
  expect(a.told).toEqual([1, 'flush', 2, 3, 'silent', 'flush'])
  expect(b.told).toEqual([4, 'flush'])
  expect(log.receivedAt).toEqual([1_732_000_000_000, 1_732_000_000_000])
})

test('a lone message does not wait for company', async () => {
  const { log, add } = setUp()
  add(new NotingTarget('a'), 'one', 1)
  await new Promise(setImmediate)
  expect(log.groups).toEqual([['a one']])
  log.pending[0]!.resolve(0)
})

test('the payload is copied when it is taken', async () => {
  const { log, committer } = setUp()
  const source = Buffer.from('..before..')
  committer.add(new NotingTarget('a'), 1, source, 2, 8, 1)
  source.fill('x')
  await expect.poll(() => log.groups, poll).toEqual([['a before']])
  log.pending[0]!.resolve(0)
})

test('groups are bounded in bytes and messages, and it says so when a whole one waits', async () => {
  const { log, committer, add } = setUp()
  const target = new NotingTarget('a')
  add(target, 'first')
  await expect.poll(() => log.groups.length, poll).toBe(1)
  for (let i = 0; i < 20_000; i++) add(target, 'x')
  expect(committer.isFull).toBe(true)
  for (let i = 0; i < 50; i++) add(target, 'y'.repeat(60_000))
  for (let i = 0; i < 10; i++) {
    log.pending[i]?.resolve(i)
    await new Promise(setImmediate)
  }
  await committer.drain()
  expect(committer.isFull).toBe(false)
  expect(log.groups.flat()).toHaveLength(20_051)
  for (const group of log.groups) {
    expect(group.length).toBeLessThanOrEqual(16_384)
    expect(group.join('').length).toBeLessThanOrEqual(2 * 1024 * 1024)
  }
})

test('an append that fails is tried again with the same bytes, and acknowledged when it succeeds', async () => {
  const { log, committer, add } = setUp()
  const target = new NotingTarget('a')
  add(target, 'one', 1)
  await expect.poll(() => log.pending.length, poll).toBe(1)
  log.pending[0]!.reject(new TidemarkError('TIDEMARK_LOG_WRITE', 'EIO'))
  await expect.poll(() => log.pending.length, poll).toBe(2)
  expect(target.told).toEqual([])
  log.pending[1]!.resolve(0)
  await committer.drain()
  expect([log.groups, target.told]).toEqual([
    [['a one'], ['a one']],
    [1, 'flush'],
  ])
})

test('after the hold the targets are refused, once each, and what comes later is tried', async () => {
  const { log, committer, add } = setUp(0)
  const target = new NotingTarget('a')
  for (const id of upTo(3)) add(target, 'x', id)
  await expect.poll(() => log.pending.length, poll).toBe(1)
  add(target, 'later', 4)
  log.pending[0]!.reject(new TidemarkError('TIDEMARK_LOG_FULL', 'full'))
  await expect.poll(() => log.pending.length, poll).toBe(2)
  log.pending[1]!.resolve(0)
  await committer.drain()
  expect(target.told).toEqual(['refused', 4, 'flush'])
})

test('a message waits at most the hold, also behind a group that was held before it', async () => {
  const holdMs = 400
  const { log, committer, add } = setUp(holdMs)
  const [first, second] = [new NotingTarget('a'), new NotingTarget('b')]
  add(first, 'x', 1)
  await expect.poll(() => log.pending.length, poll).toBe(1)
  add(second, 'y', 1)
  let ended = 0
  const failing = setInterval(() => {
    for (; ended < log.pending.length; ended++)
      log.pending[ended]!.reject(new TidemarkError('TIDEMARK_LOG_FULL', 'full'))
  }, 1)
  await committer.drain()
  clearInterval(failing)
  expect([first.told, second.told]).toEqual([['refused'], ['refused']])
  // Held from its own arrival: by the time the first is given up, its time is over too, so it is tried just once.
  expect(log.groups.filter(([message]) => message === 'b y')).toHaveLength(1)
})

test('giving up ends a hold at once', async () => {
  const { log, committer, add } = setUp(60_000)
  const target = new NotingTarget('a')
  add(target, 'x', 1)
  await expect.poll(() => log.pending.length, poll).toBe(1)
  log.pending[0]!.reject(new TidemarkError('TIDEMARK_LOG_FULL', 'full'))
  committer.abort()
  await expect
    .poll(() => {
      log.pending[1]?.reject(new TidemarkError('TIDEMARK_LOG_FULL', 'full'))
      return target.told
    }, poll)
    .toEqual(['refused'])
})
