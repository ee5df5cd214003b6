import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ConnectionJournal, type ConnectionJournalOptions } from '../../broker/connection-journal.ts'
import { TidemarkError } from '../../lib/errors.ts'
import { silentLogger } from '../../lib/logger.ts'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import { consumers } from '../../log/log.ts'
import { Retention } from '../../log/retention.ts'
import { tempDir } from '../support/temp-dir.ts'
import { changesOf, type LiveBroker, LogGate, startBroker } from './live-broker.ts'
import { connectPacket, poll, publish, RawClient, upTo } from './raw-client.ts'

const refusal = new TidemarkError('TIDEMARK_LOG_FULL', 'full')

/** `+d1` for a connect, `-d1` for a disconnect. */
const shown = (changes: ReturnType<LiveBroker['connectionChanges']>) =>
  changes.map(({ device, online }) => `${online ? '+' : '-'}${device}`)
const expectChanges = (live: LiveBroker, expected: string[]) =>
  expect.poll(() => shown(live.connectionChanges()), { ...poll, timeout: 25_000 }).toEqual(expected)

async function openJournal(options: Partial<ConnectionJournalOptions> = {}) {
  const log = await openLmdbLog({ path: tempDir() })
  const gate = new LogGate(log)
  const codes: string[] = []
  const write = (line: string) => void codes.push(JSON.parse(line).code)
  const journal = new ConnectionJournal({
    log: gate,
    clock: { now: () => 1_000 },
    logger: pino({ level: 'warn' }, { write }),
    ...options,
  })
  onTestFinished(async () => {
    gate.release()
    gate.transactionFailure = undefined
    await journal.stop()
    await log.close()
  })
  return { log, gate, journal, codes }
}

describe('the stream of connections', () => {
  test('tells of connect, disconnect, a lost socket, take-over and revocation, in order, by the wall clock', async () => {
    let now = 1_000
    const live = await startBroker({ clock: { now: () => now } })
    const leaver = await live.connect('d1')
    await expectChanges(live, ['+d1'])
    now = 2_000
    leaver.send({ cmd: 'disconnect' })
    await expectChanges(live, ['+d1', '-d1'])
    const lost = await live.connect('d1')
    lost.conn.destroy()
    await expectChanges(live, ['+d1', '-d1', '+d1', '-d1'])
    const first = await live.connect('d1')
    await live.connect('d1')
    await first.expectClosed()
    await expectChanges(live, ['+d1', '-d1', '+d1', '-d1', '+d1', '-d1', '+d1'])
    now = 3_000
    await live.devices.remove('d1')
    await expectChanges(live, ['+d1', '-d1', '+d1', '-d1', '+d1', '-d1', '+d1', '-d1'])
    expect(live.connectionChanges().map(({ at }) => at)).toEqual([
      1_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 3_000,
    ])
    expect(live.log.end('connections')).toBe(8)
  })

  test('tells of a device that fell silent', async () => {
    const live = await startBroker()
    const silent = await live.connect('d1', { keepalive: 10 })
    await expectChanges(live, ['+d1', '-d1'])
    await silent.expectClosed()
  })

  test('knows nothing of operators, nor of a device that was refused', async () => {
    const live = await startBroker()
    const operator = await live.connect('operator', { role: 'operate' })
    const refused = RawClient.open(live.port)
    await refused.login({ clientId: 'd2', username: 'd2', password: 'wrong' })
    operator.send({ cmd: 'disconnect' })
    await operator.expectClosed()
    await refused.expectClosed()
    await live.connect('d1')
    await live.broker.stop()
    expect(shown(live.connectionChanges())).toEqual(['+d1', '-d1'])
  })

  test('a graceful stop writes every disconnect', async () => {
    const live = await startBroker()
    await Promise.all([live.connect('d1'), live.connect('d2')])
    await live.broker.stop()
    const changes = shown(live.connectionChanges())
    expect(changes.slice(0, 2).sort()).toEqual(['+d1', '+d2'])
    expect(changes.slice(2).sort()).toEqual(['-d1', '-d2'])
  })

  test('1,000 devices connect and are acknowledged while the log takes no change, and all are in the stream after', async () => {
    const deviceIds = upTo(1_000).map((n) => `d${n}`)
    const live = await startBroker({ deviceIds })
    live.gate.holdTransactions()
    const clients = deviceIds.map((clientId) => {
      const client = RawClient.open(live.port)
      client.send(connectPacket({ clientId, username: clientId, password: live.secret(clientId) }))
      client.send(publish('v1/devices/me/telemetry', '{}', 1))
      return client
    })
    const withPuback = () => clients.filter((client) => client.of('puback').length === 1).length
    await expect.poll(withPuback, poll).toBe(1_000)
    await expect.poll(() => live.gate.transactionsAsked, poll).toBe(1)
    expect(live.log.end('connections')).toBe(0)
    live.gate.release()
    await expect.poll(() => live.log.end('connections'), poll).toBe(1_000)
    const expected = deviceIds.map((id) => `+${id}`)
    expect(shown(live.connectionChanges()).sort()).toEqual(expected.sort())
  })
})

describe('after a crash', () => {
  test('the devices that were online are written as offline, at the time of the start and before anyone connects', async () => {
    const path = join(tempDir(), 'log')
    const crashed = await startBroker({ logOptions: { path }, clock: { now: () => 1_000 } })
    await crashed.connect('d1')
    await expectChanges(crashed, ['+d1'])
    ;(await crashed.connect('d2')).conn.destroy()
    await expectChanges(crashed, ['+d1', '+d2', '-d2'])
    // Trimmed behind the rules, the stream itself no longer knows of d1.
    await crashed.log.transaction((tx) => tx.commitOffset(consumers.rulesConnections, 3))
    await new Retention({ log: crashed.log, logger: silentLogger }).sweep()
    expect(shown(crashed.connectionChanges())).not.toContain('+d1')
    // The files as a crash at this moment leaves them.
    const copy = join(tempDir(), 'log')
    cpSync(path, copy, { recursive: true, filter: (source) => !source.includes('lock') })

    const options = { logOptions: { path: copy }, deviceIds: ['d3'], clock: { now: () => 9_000 } }
    const next = await startBroker(options)
    expect(next.connectionChanges().at(-1)).toEqual({ device: 'd1', online: false, at: 9_000 })
    expect(next.log.end('connections')).toBe(4)
  })

  test('5,000 devices are written in records of bounded size', async () => {
    const { log, journal } = await openJournal()
    for (const n of upTo(5_000)) journal.note(`d${n}`, true)
    await journal.stop()
    const restarted = new ConnectionJournal({ log, clock: { now: () => 2_000 }, logger: silentLogger })
    await restarted.start()
    const changes = changesOf(log)
    expect(shown(changes.slice(5_000)).sort()).toEqual(
      upTo(5_000)
        .map((n) => `-d${n}`)
        .sort(),
    )
    const records = log.read('connections', 0, { entriesMax: 1e9, bytesMax: 1e9 })
    expect(records.map(({ count }) => count)).toEqual(Array(10).fill(1_000))
    await restarted.start()
    expect(log.end('connections')).toBe(10_000)
  })
})

describe('a log that refuses', () => {
  test('is tried again until it takes, and loses nothing', async () => {
    const { log, gate, journal, codes } = await openJournal()
    gate.transactionFailure = refusal
    journal.note('d1', true)
    await expect.poll(() => gate.transactionsAsked, poll).toBeGreaterThan(1)
    journal.note('d1', false)
    expect(new Set(codes)).toEqual(new Set(['TIDEMARK_LOG_FULL']))
    gate.transactionFailure = undefined
    await expect.poll(() => shown(changesOf(log)), poll).toEqual(['+d1', '-d1'])
  })

  test('at the start does not keep the broker from starting, and gets the old disconnects first', async () => {
    const { log, gate, journal } = await openJournal()
    journal.note('d1', true)
    await journal.stop()
    const restarted = new ConnectionJournal({ log: gate, clock: { now: () => 2_000 }, logger: silentLogger })
    gate.transactionFailure = refusal
    await restarted.start()
    restarted.note('d1', true)
    gate.transactionFailure = undefined
    await expect.poll(() => shown(changesOf(log)), poll).toEqual(['+d1', '-d1', '+d1'])
    await restarted.stop()
  })

  test('costs changes that newer ones outdate when too many wait, but no last state', async () => {
    const { log, gate, journal } = await openJournal({ waitingMax: 10 })
    gate.transactionFailure = refusal
    for (const n of upTo(20)) journal.note('flapper', n % 2 === 1)
    for (const n of upTo(8)) journal.note(`d${n}`, true)
    journal.note('d8', false)
    gate.transactionFailure = undefined
    await journal.stop()
    const expected = ['-flapper', ...upTo(8).map((n) => `+d${n}`), '-d8']
    expect(shown(changesOf(log))).toEqual(expected)
  })

  test('more devices than may wait each keep their last state', async () => {
    const { log, gate, journal } = await openJournal({ waitingMax: 3 })
    gate.holdTransactions()
    for (const n of upTo(6)) journal.note(`d${n}`, true)
    for (const n of upTo(6)) journal.note(`d${n}`, false)
    gate.release()
    await journal.stop()
    expect(shown(changesOf(log))).toEqual(upTo(6).map((n) => `-d${n}`))
  })

  test('for ever does not keep the broker from stopping', async () => {
    const { log, gate, journal, codes } = await openJournal({ stopMsMax: 20 })
    gate.holdTransactions()
    journal.note('d1', true)
    await journal.stop()
    expect(codes).toEqual(['TIDEMARK_LOG_WRITE'])
    expect(log.end('connections')).toBe(0)
  })
})

test('changes while one write is under way are in the next, each once', async () => {
  const { log, gate, journal } = await openJournal()
  gate.holdTransactions()
  journal.note('d1', true)
  await expect.poll(() => gate.transactionsAsked, poll).toBe(1)
  journal.note('d1', false)
  journal.note('d1', true)
  // Another journal that has its change later has written it: by now this one would have begun too, if it did not wait.
  const witness = await openJournal()
  witness.journal.note('d1', true)
  await expect.poll(() => witness.gate.transactionsAsked, poll).toBe(1)
  expect(gate.transactionsAsked).toBe(1)
  gate.release()
  await expect.poll(() => shown(changesOf(log)), poll).toEqual(['+d1', '-d1', '+d1'])
  const records = log.read('connections', 0, { entriesMax: 1e9, bytesMax: 1e9 })
  expect(records.map(({ count }) => count)).toEqual([1, 2])
})
