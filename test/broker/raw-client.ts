import diagnostics from 'node:diagnostics_channel'
import net from 'node:net'
import type { Duplex } from 'node:stream'
import { generate, type IConnackPacket, type IConnectPacket, type Packet, parser } from 'mqtt-packet'
import { expect, onTestFinished } from 'vitest'

export type ConnectOptions = Omit<Partial<IConnectPacket>, 'password'> & { password?: string | Buffer }

/** For `expect.poll`. */
export const poll = { timeout: 15_000, interval: 5 }

/** An MQTT client that sends exactly what it is told and keeps everything that comes: for what a proper client would not do. */
export class RawClient {
  readonly conn: Duplex
  /** What came, in order. */
  readonly received: Packet[] = []
  isClosed = false
  #parser = parser()

  constructor(conn: Duplex) {
    this.conn = conn
    this.#parser.on('packet', (packet: Packet) => this.received.push(packet))
    conn.on('data', (bytes: Buffer) => this.#parser.parse(bytes))
    conn.on('error', () => undefined)
    conn.on('close', () => {
      this.isClosed = true
    })
    onTestFinished(() => void conn.destroy())
  }

  /** A socket that has not sent anything yet. */
  static open(port: number, host = '127.0.0.1'): RawClient {
    return new RawClient(net.connect(port, host))
  }

  /** Connects and fails unless it is accepted. */
  static async connect(port: number, options: ConnectOptions = {}): Promise<RawClient> {
    const client = RawClient.open(port)
    expect((await client.login(options)).returnCode).toBe(0)
    return client
  }

  /** Sends CONNECT and resolves with the answer. */
  async login(options: ConnectOptions = {}): Promise<IConnackPacket> {
    this.send(connectPacket(options))
    return (await this.next('connack')) as IConnackPacket
  }

  /** Sends the packets in one write. */
  send(...packets: Packet[]): void {
    this.conn.write(Buffer.concat(packets.map((packet) => generate(packet))))
  }

  of<C extends Packet['cmd']>(cmd: C): Extract<Packet, { cmd: C }>[] {
    return this.received.filter((packet) => packet.cmd === cmd) as Extract<Packet, { cmd: C }>[]
  }

  /** Identifiers of what came of a kind, in order. */
  idsOf(cmd: Packet['cmd']): (number | undefined)[] {
    return this.of(cmd).map((packet) => packet.messageId)
  }

  /** Payloads of the messages that came, in order. */
  payloads(): string[] {
    return this.of('publish').map(({ payload }) => payload.toString())
  }

  /** The first packet of a kind, once it is there. */
  async next<C extends Packet['cmd']>(cmd: C): Promise<Extract<Packet, { cmd: C }>> {
    await expect.poll(() => this.of(cmd).length > 0 || this.isClosed, poll).toBe(true)
    const [packet] = this.of(cmd)
    expect(packet, `a ${cmd} before the connection ended`).toBeDefined()
    return packet!
  }

  /** Waits until `count` packets of a kind have come. */
  async expectCount(cmd: Packet['cmd'], count: number): Promise<void> {
    await expect.poll(() => this.of(cmd).length, poll).toBe(count)
  }

  async expectClosed(): Promise<void> {
    await expect.poll(() => this.isClosed, poll).toBe(true)
  }

  /** Subscribes and resolves with the return codes. */
  async subscribe(filters: Readonly<Record<string, 0 | 1 | 2>>): Promise<readonly unknown[]> {
    const before = this.of('suback').length
    const subscriptions = Object.entries(filters).map(([topic, qos]) => ({ topic, qos }))
    this.send({ cmd: 'subscribe', messageId: 60_000 + before, subscriptions })
    await this.expectCount('suback', before + 1)
    return this.of('suback')[before]!.granted
  }

  /** A PINGREQ and its answer: everything sent before it was dealt with, unless the broker holds it. */
  async roundTrip(): Promise<void> {
    const before = this.of('pingresp').length
    this.send({ cmd: 'pingreq' })
    await this.expectCount('pingresp', before + 1)
  }
}

export function connectPacket(options: ConnectOptions = {}): IConnectPacket {
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    clientId: 'client',
    keepalive: 60,
    ...options,
  } as IConnectPacket
}

/** A PUBLISH; without `messageId` at QoS 0, with one at QoS 1. */
export function publish(
  topic: string,
  payload: string | Buffer,
  messageId?: number,
  more: { qos?: 0 | 1 | 2; dup?: boolean; retain?: boolean } = {},
): Packet {
  const qos = messageId === undefined ? 0 : 1
  return {
    cmd: 'publish',
    topic,
    payload,
    qos,
    dup: false,
    retain: false,
    ...(messageId === undefined ? {} : { messageId }),
    ...more,
  }
}

/** The return code that a CONNECT gets. */
export async function returnCodeOf(port: number, options: ConnectOptions): Promise<number | undefined> {
  return (await RawClient.open(port).login(options)).returnCode
}

/** Whether a publish is acknowledged or ends the connection. */
export async function isTaken(client: RawClient, topic: string, more = {}): Promise<boolean> {
  client.send(publish(topic, '{}', 1, more))
  await expect.poll(() => client.isClosed || client.of('puback').length > 0, poll).toBe(true)
  return client.of('puback').length > 0
}

/** `1 … n`. */
export function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1)
}

/** Server sides of the sockets that connect while `work` runs: what a broker has read of them. */
export async function serverSockets(work: () => Promise<unknown>): Promise<net.Socket[]> {
  const sockets: net.Socket[] = []
  const onSocket = (message: unknown) => void sockets.push((message as { socket: net.Socket }).socket)
  diagnostics.subscribe('net.server.socket', onSocket)
  await work()
  diagnostics.unsubscribe('net.server.socket', onSocket)
  return sockets
}
