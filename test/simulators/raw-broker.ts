import net, { type AddressInfo } from 'node:net'
import { generate, parser } from 'mqtt-packet'

/** A PUBLISH as it came in. */
export interface ReceivedPublish {
  /** 1 for the first connection of the server, 2 for the next. */
  readonly connection: number
  readonly client: string
  readonly topic: string
  readonly id: number
  readonly qos: number
  readonly isDup: boolean
  readonly payload: string
}

export interface RawBroker {
  readonly url: string
  readonly publishes: ReceivedPublish[]
  readonly connects: {
    readonly client: string
    readonly username: string | undefined
    readonly password: string
  }[]
  /** Clients that said DISCONNECT. */
  readonly disconnects: string[]
  /** Most messages of one connection that were received and not acknowledged at any time. */
  readonly unacknowledgedPeak: number
  /** False: acknowledgements wait for `acknowledge`. */
  isAcknowledging: boolean
  /** Of the next CONNACKs; `silent` answers nothing. */
  connack: number | 'silent'
  /** Acknowledges the oldest `count` messages that wait. */
  acknowledge(count?: number): void
  /** Cuts every connection. */
  cut(): void
  close(): Promise<void>
}

/** A server that speaks just enough MQTT to be published to, and that acknowledges, refuses and cuts as it is told. */
export async function startRawBroker(): Promise<RawBroker> {
  const sockets = new Set<net.Socket>()
  const waiting: { socket: net.Socket; id: number; count: { now: number } }[] = []
  let connections = 0
  const acknowledge = (count = waiting.length) => {
    for (const { socket, id, count: unacknowledged } of waiting.splice(0, count)) {
      unacknowledged.now--
      if (!socket.destroyed) socket.write(generate({ cmd: 'puback', messageId: id }))
    }
  }
  const broker = {
    url: '',
    publishes: [] as ReceivedPublish[],
    connects: [] as { client: string; username: string | undefined; password: string }[],
    disconnects: [] as string[],
    unacknowledgedPeak: 0,
    isAcknowledging: true,
    connack: 0 as number | 'silent',
    acknowledge,
    cut: () => {
      waiting.length = 0
      for (const socket of sockets) socket.destroy()
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
  const server = net.createServer((socket) => {
    const connection = ++connections
    const unacknowledged = { now: 0 }
    let client = ''
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    const packets = parser({ protocolVersion: 4 })
    packets.on('packet', (packet) => {
      if (packet.cmd === 'connect') {
        client = packet.clientId
        broker.connects.push({ client, username: packet.username, password: String(packet.password) })
        if (broker.connack === 'silent') return
        socket.write(generate({ cmd: 'connack', returnCode: broker.connack, sessionPresent: false }))
      } else if (packet.cmd === 'publish') {
        const { topic, qos, dup, messageId: id = 0 } = packet
        broker.publishes.push({
          connection,
          client,
          topic,
          id,
          qos,
          isDup: dup,
          payload: String(packet.payload),
        })
        if (qos === 0) return
        unacknowledged.now++
        broker.unacknowledgedPeak = Math.max(broker.unacknowledgedPeak, unacknowledged.now)
        waiting.push({ socket, id, count: unacknowledged })
      } else if (packet.cmd === 'disconnect') broker.disconnects.push(client)
    })
    socket.on('data', (chunk) => {
      packets.parse(chunk)
      if (broker.isAcknowledging) acknowledge()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  broker.url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`
  return broker
}
