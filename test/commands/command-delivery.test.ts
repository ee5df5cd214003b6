import { describe, expect, test } from 'vitest'
import { finishedMax, responseBytesMax } from '../../commands/limits.ts'
import { TidemarkError } from '../../lib/errors.ts'
import { poll } from '../broker/raw-client.ts'
import { commandSite } from './command-site.ts'

describe('sending', () => {
  test('a device that listens gets a command at once, and its PUBACK is the delivery', async () => {
    const site = await commandSite()
    const device = await site.listen('d1')
    const other = await site.listen('d2')
    const { id, expiresAt, history } = await site.command()
    await site.expectStatus(id, 'delivered')
    expect(site.statuses(id)).toEqual(['queued', 'sent', 'delivered'])
    const sent = { id, name: 'set_relay', payload: { closed: false }, createdAt: history[0]!.at, expiresAt }
    expect(device.commands).toEqual([sent])
    expect(other.commands).toEqual([])
  })

  test('one that is away gets them when it subscribes, in order', async () => {
    const site = await commandSite()
    const connected = await site.connect('d1')
    const ids: string[] = []
    for (let i = 0; i < 5; i++) ids.push((await site.command()).id)
    expect(ids.map((id) => site.statuses(id))).toEqual(ids.map(() => ['queued']))
    await connected.client.subscribeAsync('devices/d1/commands/+', { qos: 1 })
    await site.expectStatus(ids.at(-1)!, 'delivered')
    expect(connected.commands.map(({ id }) => id)).toEqual(ids)
  })

  test('a session that is resumed gets them without a SUBSCRIBE, each once', async () => {
    const site = await commandSite()
    const before = await site.listen('d1', { clean: false })
    await before.client.endAsync()
    const { id } = await site.command()
    const after = await site.connect('d1', { clean: false })
    await site.expectStatus(id, 'delivered')
    await after.client.publishAsync('devices/d1/telemetry', '{"a":1}', { qos: 1 })
    expect(after.commands.map((command) => command.id)).toEqual([id])
  })

  test('what is not acknowledged is sent again when the device is back, with the same id, and not on the same connection', async () => {
    const site = await commandSite()
    const device = await site.live.connect('d1')
    await device.subscribe({ 'devices/d1/commands/#': 1 })
    const { id } = await site.command()
    await device.expectCount('publish', 1)
    await site.expectStatus(id, 'sent')
    await device.subscribe({ 'devices/d1/commands/#': 1 })
    await device.roundTrip()
    expect(device.of('publish')).toHaveLength(1)
    expect(site.statuses(id)).toEqual(['queued', 'sent'])
    device.conn.destroy()
    const back = await site.listen('d1')
    await site.expectStatus(id, 'delivered')
    expect(back.commands.map((command) => command.id)).toEqual([id])
  })

  test('a subscription at QoS 0 is sent at QoS 0: sent, and no more until the device answers', async () => {
    const site = await commandSite()
    const device = await site.listen('d1', { qos: 0 })
    const { id } = await site.command()
    await expect.poll(() => device.commands.length, poll).toBe(1)
    await site.expectStatus(id, 'sent')
    const next = await site.command()
    await site.expectStatus(next.id, 'sent')
    expect(device.commands.map((command) => command.id)).toEqual([id, next.id])
    await device.respond(id, { status: 'succeeded' })
    await site.expectStatus(id, 'succeeded')
  })

  test('as many as may be open reach a device through a socket that is full on the way', async () => {
    const site = await commandSite()
    const ids: string[] = []
    for (let i = 0; i < 100; i++) ids.push((await site.command({ payload: 'x'.repeat(16_000) })).id)
    const device = await site.listen('d1')
    await expect.poll(() => device.commands.length, poll).toBe(100)
    await site.expectStatus(ids.at(-1)!, 'delivered')
    expect(device.commands.map(({ id }) => id)).toEqual(ids)
  })
})

describe('answers', () => {
  test.each([
    [{ status: 'succeeded', relay: 'open' }, 'succeeded'],
    [{ status: 'failed', reason: 'jammed' }, 'failed'],
    [{ status: 'busy' }, 'acknowledged'],
    [{ relay: 'open' }, 'succeeded'],
    ['OK', 'succeeded'],
    [12, 'succeeded'],
  ] as const)('%j means %s, and is kept', async (response, status) => {
    const site = await commandSite()
    const device = await site.listen('d1')
    const { id } = await site.command()
    await expect.poll(() => device.commands.length, poll).toBe(1)
    await device.respond(id, response)
    await site.expectStatus(id, status)
    expect(site.table.find('d1', id)!.response).toEqual(response)
    expect(site.ignored()).toBe(0)
  })

  test('acknowledged, then succeeded; nothing counts after that, and it is counted as ignored', async () => {
    const site = await commandSite()
    const device = await site.listen('d1')
    const { id } = await site.command()
    await site.expectStatus(id, 'delivered')
    await device.respond(id, { status: 'acknowledged' })
    await device.respond(id, { status: 'succeeded', n: 1 })
    await device.respond(id, { status: 'succeeded', n: 1 })
    await device.respond(id, { status: 'failed' })
    await device.respond('unknown', { status: 'failed' })
    await expect.poll(site.ignored, poll).toBe(3)
    expect(site.statuses(id)).toEqual(['queued', 'sent', 'delivered', 'acknowledged', 'succeeded'])
    expect(site.table.find('d1', id)!.response).toEqual({ status: 'succeeded', n: 1 })
  })

  test('of one that is too long the status counts and nothing is kept; one too deep is kept as text', async () => {
    const site = await commandSite()
    const device = await site.listen('d1')
    const [long, deep] = [await site.command(), await site.command()]
    await device.respond(long.id, { status: 'failed', log: 'x'.repeat(responseBytesMax) })
    const nested = '['.repeat(5_000) + ']'.repeat(5_000)
    await device.respond(deep.id, nested)
    await site.expectStatus(long.id, 'failed')
    await site.expectStatus(deep.id, 'succeeded')
    expect(site.table.find('d1', long.id)!.response).toBeNull()
    expect(site.table.find('d1', deep.id)!.response).toBe(nested)
  })

  test('a response is acknowledged once it is on disk, and not where the log refuses it', async () => {
    const site = await commandSite()
    const device = await site.live.connect('d1')
    const response = (messageId: number) => ({
      ...{
        cmd: 'publish',
        topic: 'devices/d1/commands/c/response',
        payload: '{}',
        dup: false,
        retain: false,
      },
      ...{ qos: 1, messageId },
    })
    await expect.poll(() => site.live.gate.transactionsAsked, poll).toBeGreaterThan(0)
    const asked = site.live.gate.transactionsAsked
    site.live.gate.holdTransactions()
    device.send(response(7) as never)
    await expect.poll(() => site.live.gate.transactionsAsked, poll).toBeGreaterThan(asked)
    await device.roundTrip().catch(() => undefined)
    expect(device.idsOf('puback')).toEqual([])
    site.live.gate.release()
    await device.expectCount('puback', 1)
    site.live.gate.transactionFailure = new TidemarkError('TIDEMARK_LOG_FULL', 'full')
    device.send(response(8) as never)
    await device.expectClosed()
    expect(device.idsOf('puback')).toEqual([7])
    expect(site.live.codes()).toContain('TIDEMARK_LOG_FULL')
  })

  test('at QoS 2 a response counts once, however often it is sent', async () => {
    const site = await commandSite()
    const device = await site.live.connect('d1', { clean: false })
    const { id } = await site.command()
    const topic = `devices/d1/commands/${id}/response`
    const packet = { ...{ cmd: 'publish', topic, payload: '1', retain: false }, ...{ qos: 2, messageId: 9 } }
    device.send({ ...packet, dup: false } as never)
    await device.expectCount('pubrec', 1)
    device.send({ ...packet, dup: true } as never)
    await device.expectCount('pubrec', 2)
    await site.expectStatus(id, 'succeeded')
    expect([site.live.log.end('commands'), site.ignored()]).toEqual([2, 0])
  })

  test('nobody answers for a device: not another one, and not an operator who may publish there', async () => {
    const site = await commandSite()
    const { id } = await site.command()
    const other = await site.live.connect('d2')
    const topic = `devices/d1/commands/${id}/response`
    const packet = {
      ...{ cmd: 'publish', topic, payload: '1', retain: false, dup: false },
      ...{ qos: 1, messageId: 1 },
    }
    other.send(packet as never)
    await other.expectClosed()
    const operator = await site.live.connect('panel', { role: 'operate' })
    operator.send(packet as never)
    await operator.expectCount('puback', 1)
    expect(site.live.log.end('commands')).toBe(1)
    expect(site.statuses(id)).toEqual(['queued'])
  })
})

describe('the end of a command', () => {
  test('one that has expired is not sent, not even before it is noted, and an answer to it is ignored', async () => {
    const site = await commandSite()
    const { id } = await site.command({ ttlMs: 1_000 })
    const later = await site.command({ ttlMs: 5_000 })
    site.pass(1_000)
    const device = await site.listen('d1')
    await site.expectStatus(later.id, 'delivered')
    await site.expectStatus(id, 'expired')
    await device.respond(id, { status: 'succeeded' })
    await expect.poll(site.ignored, poll).toBe(1)
    expect(device.commands.map((command) => command.id)).toEqual([later.id])
    expect(site.statuses(id)).toEqual(['queued', 'expired'])
  })

  test('an answer that comes too late does not count, though it is not noted yet that the command has expired', async () => {
    const site = await commandSite()
    const device = await site.connect('d1')
    // The clock that ends commands stands; that of the broker has gone on since.
    const { id } = await site.command({ ttlMs: 1 })
    await device.respond(id, { status: 'succeeded' })
    await expect.poll(site.ignored, poll).toBe(1)
    expect(site.statuses(id)).toEqual(['queued'])
  })

  test('one that was delivered expires without an answer', async () => {
    const site = await commandSite()
    await site.listen('d1')
    const { id } = await site.command({ ttlMs: 1_000 })
    await site.expectStatus(id, 'delivered')
    site.pass(1_000)
    await site.expectStatus(id, 'expired')
  })

  test(`many that expire at once leave the newest ${finishedMax} of each device`, async () => {
    const site = await commandSite()
    const many = (device: string, count: number) =>
      Promise.all(Array.from({ length: count }, () => site.command({ device, ttlMs: 1_000 })))
    await Promise.all((await many('d1', 60)).map(({ id }) => site.table.cancel('d1', id, Date.now())))
    const expiring = [...(await many('d1', 75)), ...(await many('d2', 75))]
    site.pass(1_000)
    await expect.poll(() => [...site.table.open('d1'), ...site.table.open('d2')].length, poll).toBe(0)
    const ended = expiring.map(({ device, id }) => site.table.find(device, id)?.status)
    expect(new Set(ended)).toEqual(new Set(['expired']))
    expect([site.table.list('d1').length, site.table.list('d2').length]).toEqual([finishedMax, 75])
  })

  test('one that is cancelled is not sent, also where a session was there before it', async () => {
    const site = await commandSite()
    const before = await site.listen('d1', { clean: false })
    await before.client.endAsync()
    const [cancelled, kept] = [await site.command(), await site.command()]
    await site.table.cancel('d1', cancelled.id, Date.now())
    const device = await site.connect('d1', { clean: false })
    await site.expectStatus(kept.id, 'delivered')
    expect(device.commands.map(({ id }) => id)).toEqual([kept.id])
    await device.respond(cancelled.id, { status: 'succeeded' })
    await expect.poll(site.ignored, poll).toBe(1)
    expect(site.statuses(cancelled.id)).toEqual(['queued', 'cancelled'])
  })
})

test('what an operator publishes by itself is passed on as before, and is no command', async () => {
  const site = await commandSite()
  const device = await site.listen('d1')
  const operator = await site.live.connect('panel', { role: 'operate' })
  operator.send({
    ...{ cmd: 'publish', topic: 'devices/d1/commands/raw', payload: '{"id":"raw"}', qos: 1, messageId: 1 },
    ...{ dup: false, retain: false },
  } as never)
  await expect.poll(() => device.commands.map(({ id }) => id), poll).toEqual(['raw'])
  expect(site.table.list('d1')).toEqual([])
})
