import type { Duplex } from 'node:stream'
import { type IPacket, type ISubscribePacket, writeToStream } from 'mqtt-packet'

/** In aedes' shape: once it has dealt with it, `qos` is the return code. */
interface AskedFilter {
  readonly topic: string
  readonly qos: number
}

/**
 * Filters that stand more than once in a SUBSCRIBE: aedes takes the last of each and gives it one return code, where
 * [MQTT-3.8.4-5] asks for one for each that was sent. Such a packet is answered here.
 */
export class RepeatedFilters {
  /** By the last filter of the packet: what it asked for, in order. */
  readonly #unanswered = new WeakMap<object, { readonly messageId: number; readonly asked: AskedFilter[] }>()

  /** A packet on its way to aedes; without an identifier it does not answer it. */
  readonly take = (packet: IPacket): void => {
    if (packet.cmd !== 'subscribe') return
    const subscribe = packet as ISubscribePacket
    const asked = subscribe.subscriptions.map(({ topic, qos }) => ({ topic, qos }))
    if (new Set(asked.map(({ topic }) => topic)).size === asked.length) return
    const messageId = subscribe.messageId!
    this.#unanswered.set(subscribe.subscriptions.at(-1)!, { messageId, asked })
    delete packet.messageId
  }

  /** aedes has subscribed the client. */
  answer(subscriptions: readonly AskedFilter[], conn: Duplex): void {
    const packet = subscriptions.map((one) => this.#unanswered.get(one)).find((one) => one !== undefined)
    if (packet === undefined || conn.destroyed) return
    const refused = new Set(subscriptions.filter(({ qos }) => qos > 2).map(({ topic }) => topic))
    const granted = packet.asked.map(({ topic, qos }) => (refused.has(topic) ? 128 : qos))
    writeToStream({ cmd: 'suback', messageId: packet.messageId, granted }, conn)
  }
}
