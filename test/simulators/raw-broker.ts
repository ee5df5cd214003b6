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

interface Answer {
  readonly cmd: 'puback' | 'pubrec' | 'pubcomp'
  readonly messageId: number
}

export interface RawBroker {
  readonly url: string
  readonly publishes: ReceivedPublish[]
  readonly connects: {
    readonly client: string
    readonly username: string | undefined
    readonly password: string
  }[]
  /** The PUBRELs as they came in. */
  readonly pubrels: { readonly connection: number; readonly id: number }[]
  /** Of each CONNECT, whether it asked for a clean session. */
  readonly cleanSessions: boolean[]
  /** Clients that said DISCONNECT. */
  readonly disconnects: string[]
  /** Most messages of one connection that were received and not acknowledged at any time. */
  readonly unacknowledgedPeak: number
  /** False: acknowledgements wait for `acknowledge`. */
  isAcknowledging: boolean
  /** Of the next CONNACKs; `silent` answers nothing. A function answers each client. */
  connack: number | 'silent' | ((client: string) => number)
  /** Answers the oldest `count` PUBLISHes (PUBACK, at QoS 2 PUBREC) and PUBRELs (PUBCOMP) that wait. */
  acknowledge(count?: number): void
  /** Sends these to every connection in one piece, whatever was received. */
  answer(...answers: Answer[]): void
  /** Cuts every connection. */
  cut(): void
  close(): Promise<void>
}

/** A server that speaks just enough MQTT to be published to, and that acknowledges, refuses and cuts as it is told. */
export async function startRawBroker(): Promise<RawBroker> {
  const sockets = new Set<net.Socket>()
  const waiting: { socket: net.Socket; answer: Answer; count: { now: number } }[] = []
  let connections = 0
  const acknowledge = (count = waiting.length) => {
    for (const { socket, answer, count: unacknowledged } of waiting.splice(0, count)) {
      if (answer.cmd !== 'pubrec') unacknowledged.now--
      if (!socket.destroyed) socket.write(generate(answer))
    }
  }
  const broker = {
    url: '',
    publishes: [] as ReceivedPublish[],
    connects: [] as { client: string; username: string | undefined; password: string }[],
    pubrels: [] as { connection: number; id: number }[],
    cleanSessions: [] as boolean[],
    disconnects: [] as string[],
    unacknowledgedPeak: 0,
    isAcknowledging: true,
    connack: 0 as RawBroker['connack'],
    acknowledge,
    answer: (...answers: Answer[]) => {
      for (const socket of sockets) socket.write(Buffer.concat(answers.map((answer) => generate(answer))))
    },
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
        broker.cleanSessions.push(packet.clean === true)
        const { connack } = broker
        if (connack === 'silent') return
        const returnCode = typeof connack === 'number' ? connack : connack(client)
        socket.write(generate({ cmd: 'connack', returnCode, sessionPresent: false }))
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
        const answer = { cmd: qos === 1 ? 'puback' : 'pubrec', messageId: id } as const
        waiting.push({ socket, answer, count: unacknowledged })
      } else if (packet.cmd === 'pubrel') {
        const messageId = packet.messageId ?? 0
        broker.pubrels.push({ connection, id: messageId })
        waiting.push({ socket, answer: { cmd: 'pubcomp', messageId }, count: unacknowledged })
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
