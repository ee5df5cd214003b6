import type { Server as HttpServer } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../lib/clock.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import type { Metrics } from '../lib/metrics.ts'
import { encodeCommandEntry } from '../log/command-codec.ts'
import type { Log } from '../log/log.ts'
import { AedesBroker } from './aedes-broker.ts'
import { Authenticator, type DeviceDirectory, type TokenDirectory } from './authenticator.ts'
import { ConnectionJournal } from './connection-journal.ts'
import type { DeviceMessage } from './device-sender.ts'
import { GroupCommitter } from './group-committer.ts'
import {
  attachWebSocket,
  type Door,
  type Listener,
  listenTcp,
  listenTls,
  type TlsFiles,
  type TlsListener,
} from './listeners.ts'

export interface BrokerOptions {
  readonly log: Pick<Log, 'appendIngress' | 'transaction' | 'entries'>
  readonly devices: DeviceDirectory
  readonly tokens: TokenDirectory
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Pick<Metrics, 'ackSeconds'>
  readonly host: string
  readonly mqttPort: number
  readonly mqttsPort?: number | undefined
  readonly tls?: TlsFiles | undefined
  readonly packetBytesMax: number
  readonly deviceRateMax: number
  readonly deviceBurstMax: number
  readonly connectionsPerAddressMax: number
  readonly connectionsMax?: number
}

const heldMessagesMax = 500
/** Between two looks at whether the tokens of who is connected still stand. */
const tokenCheckMs = 500

/** The MQTT face: listeners, connection limits and the path from a publish to its acknowledgement after fsync. */
export class Broker {
  readonly #options: BrokerOptions
  readonly #committer: GroupCommitter
  readonly #journal: ConnectionJournal
  readonly #aedes: AedesBroker
  readonly #connections = new Set<Duplex>()
  readonly #perAddress = new Map<string, number>()
  #listeners: Listener[] = []
  #secure: TlsListener | undefined
  #tokenCheck: NodeJS.Timeout | undefined
  #onListening: (deviceId: string) => void = () => undefined

  constructor(options: BrokerOptions) {
    const { log, clock, logger, metrics } = options
    this.#options = options
    this.#committer = new GroupCommitter({
      log,
      clock,
      logger,
      onCommit: (seconds) => metrics.ackSeconds.observe(seconds),
    })
    this.#journal = new ConnectionJournal({ log, clock, logger })
    this.#aedes = new AedesBroker({
      authenticator: new Authenticator(options.devices, options.tokens, clock),
      committer: this.#committer,
      limits: { ...options, heldMessagesMax },
      logger,
      onPresence: this.#journal.note,
      onResponse: (device, command, payload) => this.#keepResponse(device, command, payload),
      onListening: (deviceId) => this.#onListening(deviceId),
    })
  }

  /** Starts listening; `port` is the one of plain MQTT, which differs from the option when that is 0. */
  async start(): Promise<{ port: number; tlsPort: number | undefined }> {
    const { host, mqttPort, mqttsPort, tls } = this.#options
    await this.#journal.start()
    await this.#aedes.start()
    const plain = await listenTcp(host, mqttPort, this.#door)
    this.#listeners.push(plain)
    this.#tokenCheck = setInterval(() => this.#aedes.endRevoked(), tokenCheckMs)
    if (mqttsPort === undefined || tls === undefined) return { port: plain.port, tlsPort: undefined }
    this.#secure = await listenTls(host, mqttsPort, tls, this.#door)
    this.#listeners.push(this.#secure)
    return { port: plain.port, tlsPort: this.#secure.port }
  }

  /** Takes certificates and keys from their files anew. Throws TIDEMARK_TLS_FILES, and what was in use stays. */
  reloadCertificates(): void {
    this.#secure?.reload()
  }

  /** Serves MQTT over WebSocket at `/mqtt` of `server`, which must be listening. */
  attach(server: HttpServer): void {
    this.#listeners.push(attachWebSocket(server, this.#options.packetBytesMax, this.#door))
  }

  /** Stops accepting, acknowledges what was taken, closes every connection and writes that they ended. */
  async stop(): Promise<void> {
    const closing = this.#listeners.map((listener) => listener.close())
    this.#listeners = []
    clearInterval(this.#tokenCheck)
    await this.#committer.drain()
    await this.#aedes.stop()
    for (const conn of this.#connections) conn.destroy()
    await Promise.all(closing)
    this.#aedes.presence.allLeft()
    await this.#journal.stop()
  }

  /** Hands a replayed message to the log as if its device had just published it; resolves when it is on disk. */
  readonly republish = (deviceId: string, payload: Buffer, topic: 0 | 1): Promise<boolean> => {
    return new Promise((resolve) => {
      const target = {
        deviceId,
        committed: () => resolve(true),
        flush: () => undefined,
        refused: () => resolve(false),
      }
      this.#committer.add(target, topic, payload, 0, payload.length, -1)
    })
  }

  publish(topic: string, payload: string, qos: 0 | 1): Promise<void> {
    return this.#aedes.publish(topic, payload, qos)
  }

  /**
   * Sends to one device, once it has subscribed to the topic: false where it has not, or cannot take it now. Then, and where it is not
   * acknowledged, send it again when the device listens.
   */
  send(deviceId: string, message: DeviceMessage): boolean {
    return this.#aedes.send(deviceId, message)
  }

  /** `listener` is told of each device that subscribes, resumes its subscriptions, or can take more. */
  onListening(listener: (deviceId: string) => void): void {
    this.#onListening = listener
  }

  readonly connections = {
    isOnline: (id: string): boolean => this.#aedes.presence.isOnline(id),
    lastSeenAt: (id: string): number | undefined => this.#aedes.presence.lastSeenAt(id),
    count: (): number => this.#aedes.presence.count(),
    disconnect: (id: string): void => this.#aedes.disconnect(id),
    /** Copies of telemetry on their way to subscribers. */
    copiesInFlight: (): number => this.#aedes.copiesInFlight,
  }

  readonly #door: Door = {
    admit: (transport, address) => {
      const { connectionsMax = 10_000, connectionsPerAddressMax, logger } = this.#options
      const fromAddress = (this.#perAddress.get(address) ?? 0) + 1
      const tooMany = this.#connections.size >= connectionsMax
      if (tooMany || (fromAddress > connectionsPerAddressMax && !isLoopback(address))) {
        logger.warn({ code: 'TIDEMARK_CONNECTION_LIMIT', address }, 'connection refused')
        return false
      }
      this.#connections.add(transport)
      this.#perAddress.set(address, fromAddress)
      transport.on('close', () => this.#forget(transport, address))
      return true
    },
    accept: (conn, address, certificateName) => this.#aedes.handle(conn, address, certificateName),
  }

  /** False where the log refuses. */
  async #keepResponse(device: string, command: string, payload: Buffer): Promise<boolean> {
    const { log, clock, logger } = this.#options
    const entry = { kind: 'response', device, command, payload: payload.toString(), at: clock.now() } as const
    try {
      await log.transaction((tx) => tx.append('commands', encodeCommandEntry(entry), 1))
      return true
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error
      logger.warn({ code: error.code, client: device, detail: error.message }, 'a response was not kept')
      return false
    }
  }

  #forget(conn: Duplex, address: string): void {
    this.#connections.delete(conn)
    const left = (this.#perAddress.get(address) ?? 1) - 1
    if (left === 0) this.#perAddress.delete(address)
    else this.#perAddress.set(address, left)
  }
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.')
}
