import { Duplex } from 'node:stream'
import { generate } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'
import { GroupCommitter } from '../../broker/group-committer.ts'
import { Session } from '../../broker/session.ts'
import { wallClock } from '../../lib/clock.ts'
import { silentLogger } from '../../lib/logger.ts'
import { startBroker } from './live-broker.ts'
import { connectPacket, poll, publish, type RawClient, serverSockets, upTo } from './raw-client.ts'

const telemetry = 'v1/devices/me/telemetry'

describe('reading a socket', () => {
  test('every packet of a burst is dealt with, whichever way it goes', async () => {
    const { connect } = await startBroker()
    const operator = await connect('operator', { role: 'admin' })
    operator.send(...upTo(1_000).map((id) => publish('load/x', 'x'.repeat(4_000), id)))
    await operator.expectCount('puback', 1_000)
    expect(operator.idsOf('puback')).toEqual(upTo(1_000))
  })

  test('a stream that asks itself for more takes no packet away', () => {
    const { conn } = openSession()
    const pingreq = Buffer.from([0xc0, 0])
    conn.push(pingreq)
    conn.read(0)
    expect(conn.read()).toEqual(pingreq)
  })

  test('commands, telemetry and pings of one segment are all answered', async () => {
    const { connect, messages } = await startBroker()
    const device = await connect('d1')
    const subscriptions = [{ topic: 'devices/d1/commands/#', qos: 1 as const }]
    device.send(
      publish(telemetry, 'a', 1),
      { cmd: 'subscribe', messageId: 2, subscriptions },
      publish('devices/d1/telemetry', 'b', 3),
      { cmd: 'pingreq' },
      publish(telemetry, 'c'),
      { cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['devices/d1/commands/#'] },
    )
    for (const [cmd, count] of [
      ['puback', 2],
      ['suback', 1],
      ['pingresp', 1],
      ['unsuback', 1],
    ] as const)
      await device.expectCount(cmd, count)
    await expect.poll(() => messages().map(({ payload }) => payload), poll).toEqual(['a', 'b', 'c'])
  })

  test('a client that does not read its acknowledgements is not read either, and goes on where it stopped', async () => {
    const { conn } = openSession()
    conn.on('readable', () => conn.read())
    for (let from = 0; from < 200; from += 20) {
      conn.push(Buffer.concat(upTo(20).map((n) => generate(publish(telemetry, '', from + n)))))
      for (let i = 0; i < 10; i++) await new Promise(setImmediate)
    }
    // A write of 80 bytes fills it, the next is never made, and the rest stays in the socket.
    expect(conn.written).toEqual(upTo(20))
    expect(conn.readableLength).toBeGreaterThan(0)
    conn.unstick()
    await expect.poll(() => conn.written, poll).toEqual(upTo(200))
    conn.destroy()
  })
})

/** The session of a device that is connected, on a log that takes everything. */
function openSession(): { conn: StuckDuplex } {
  const conn = new StuckDuplex()
  const log = { appendIngress: async () => 0 }
  const committer = new GroupCommitter({ log, clock: wallClock, logger: silentLogger })
  const ignored = () => undefined
  const ports = {
    committer,
    onActivity: ignored,
    onViolation: ignored,
    onRefused: ignored,
    onCommitted: ignored,
    onClosed: ignored,
  }
  const limits = { packetBytesMax: 65_536, deviceRateMax: 0, deviceBurstMax: 0, heldMessagesMax: 500 }
  const session = new Session(conn, limits, ports)
  conn.push(generate(connectPacket()))
  conn.read()
  session.open({ kind: 'device', id: 'd1' })
  return { conn }
}

/** A connection whose peer reads nothing until it is unstuck. */
class StuckDuplex extends Duplex {
  /** Identifiers of the PUBACKs that were written. */
  readonly written: number[] = []
  #isStuck = true
  #go = (): void => undefined

  constructor() {
    super({ writableHighWaterMark: 64 })
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    for (let at = 2; at < chunk.length; at += 4) this.written.push(chunk.readUInt16BE(at))
    if (this.#isStuck) this.#go = done
    else done()
  }

  unstick(): void {
    this.#isStuck = false
    this.#go()
  }
}

describe('the rate limit', () => {
  test('over it the socket is not read: messages come later, in order, and none is lost', async () => {
    const { connect, messages } = await startBroker({ deviceRateMax: 400, deviceBurstMax: 100 })
    let device!: RawClient
    const [socket] = await serverSockets(async () => {
      device = await connect('d1')
    })
    const payload = 'x'.repeat(1_000)
    device.send(...upTo(1_000).map((id) => publish(telemetry, `${id} ${payload}`, id)))
    await expect.poll(() => device.of('puback').length, poll).toBeGreaterThan(99)
    expect(socket!.bytesRead).toBeLessThan(500_000)
    await device.expectCount('puback', 1_000)
    expect(device.idsOf('puback')).toEqual(upTo(1_000))
    expect(messages().map((message) => Number.parseInt(message.payload, 10))).toEqual(upTo(1_000))
  })

  test('it is for each device', async () => {
    const { connect } = await startBroker({ deviceRateMax: 1, deviceBurstMax: 10 })
    const [first, second] = [await connect('d1'), await connect('d2')]
    first.send(...upTo(500).map((id) => publish(telemetry, 'x'.repeat(1_000), id)))
    await expect.poll(() => first.of('puback').length, poll).toBeGreaterThan(0)
    second.send(publish(telemetry, 'x', 1))
    await second.expectCount('puback', 1)
    expect(first.of('puback').length).toBeLessThan(500)
  })

  test('a command counts like telemetry', async () => {
    const { connect } = await startBroker({ deviceRateMax: 1, deviceBurstMax: 10 })
    const device = await connect('d1')
    const response = 'devices/d1/commands/c/response'
    device.send(...upTo(500).map((id) => publish(response, 'x'.repeat(1_000), id)))
    await expect.poll(() => device.of('puback').length, poll).toBeGreaterThan(0)
    expect(device.of('puback').length).toBeLessThan(500)
  })

  test('a rate of 0 lifts it, and operators have none', async () => {
    const { connect } = await startBroker({ deviceRateMax: 0, deviceBurstMax: 1 })
    const device = await connect('d1')
    device.send(...upTo(3_000).map((id) => publish(telemetry, 'x', id)))
    await device.expectCount('puback', 3_000)
    const limited = await startBroker({ deviceRateMax: 1, deviceBurstMax: 1 })
    const operator = await limited.connect('operator', { role: 'operate' })
    operator.send(...upTo(3_000).map((id) => publish('devices/d1/commands/c', 'x', id)))
    await operator.expectCount('puback', 3_000)
  })
})
