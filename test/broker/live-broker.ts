import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { Broker, type BrokerOptions } from '../../broker/broker.ts'
import type { Role } from '../../broker/rights.ts'
import type { ConnectionChange } from '../../domain/connection-change.ts'
import { wallClock } from '../../lib/clock.ts'
import { createMetrics } from '../../lib/metrics.ts'
import { decodeConnectionChanges } from '../../log/connection-codec.ts'
import { IngressGroupReader } from '../../log/ingress-codec.ts'
import { type LmdbLogOptions, openLmdbLog } from '../../log/lmdb-log.ts'
import type { Log, LogTransaction } from '../../log/log.ts'
import { DeviceRegistry } from '../../registry/device-registry.ts'
import { TokenRegistry } from '../../registry/token-registry.ts'
import { newTempDir } from '../support/temp-dir.ts'
import { type ConnectOptions, RawClient } from './raw-client.ts'

export interface LoggedMessage {
  readonly device: string
  readonly topic: number
  readonly payload: string
}

/** A real broker on a real log, with devices `d1` and `d2` (or `deviceIds`) and a token of each role. */
export interface LiveBroker {
  readonly broker: Broker
  readonly port: number
  readonly tlsPort: number | undefined
  readonly log: Log
  readonly gate: LogGate
  readonly devices: DeviceRegistry
  readonly tokens: TokenRegistry
  secret(deviceId: string): string
  token(role: Role): string
  /** Connects a device, or with a role an operator of that client id; fails unless it is accepted. */
  connect(clientId: string, options?: ConnectOptions & { role?: Role }): Promise<RawClient>
  /** The messages in the log, in order. */
  messages(): LoggedMessage[]
  /** What the stream `connections` holds, in order. */
  connectionChanges(): ConnectionChange[]
  /** Codes that were logged, in order. */
  codes(): string[]
  stop(): Promise<void>
}

/** A `Log` port whose writes a test can hold or make fail; by itself it passes them on. */
export class LogGate implements Pick<Log, 'appendIngress' | 'transaction' | 'entries'> {
  readonly entries: Log['entries']
  readonly #log: Log
  #held: (() => void)[] | undefined
  /** Appends that were asked for. */
  asked = 0
  /** Thrown by every append while it is set. */
  failure: Error | undefined
  #heldTransactions: (() => void)[] | undefined
  /** Transactions that were asked for. */
  transactionsAsked = 0
  /** Thrown by every transaction while it is set. */
  transactionFailure: Error | undefined

  constructor(log: Log) {
    this.#log = log
    this.entries = log.entries.bind(log)
  }

  hold(): void {
    this.#held ??= []
  }

  holdTransactions(): void {
    this.#heldTransactions ??= []
  }

  release(): void {
    const held = [...(this.#held ?? []), ...(this.#heldTransactions ?? [])]
    this.#held = undefined
    this.#heldTransactions = undefined
    for (const go of held) go()
  }

  async transaction<T>(work: (tx: LogTransaction) => T): Promise<T> {
    this.transactionsAsked++
    await new Promise<void>((go) =>
      this.#heldTransactions === undefined ? go() : this.#heldTransactions.push(go),
    )
    if (this.transactionFailure !== undefined) throw this.transactionFailure
    return this.#log.transaction(work)
  }

  async appendIngress(value: Uint8Array, count: number): Promise<number> {
    this.asked++
    await new Promise<void>((go) => (this.#held === undefined ? go() : this.#held.push(go)))
    if (this.failure !== undefined) throw this.failure
    return this.#log.appendIngress(value, count)
  }
}

interface LiveBrokerOptions extends Partial<BrokerOptions> {
  readonly logOptions?: Partial<LmdbLogOptions>
  readonly deviceIds?: readonly string[]
}

/** A broker that stops when the test that asked for it ends. */
export async function startBroker(options: LiveBrokerOptions = {}): Promise<LiveBroker> {
  const live = await openBroker(options)
  onTestFinished(live.stop)
  return live
}

/** One broker for all tests of a file: what one of them leaves behind is there for the next, so each has names of its own. */
export function shareBroker(options: LiveBrokerOptions = {}): () => LiveBroker {
  let live: LiveBroker
  beforeAll(async () => {
    live = await openBroker(options)
  })
  afterAll(() => live.stop())
  return () => live
}

async function openBroker(options: LiveBrokerOptions): Promise<LiveBroker> {
  const { logOptions, deviceIds = ['d1', 'd2'], ...brokerOptions } = options
  const dir = newTempDir()
  const log = await openLmdbLog({ path: join(dir.path, 'log'), ...logOptions })
  const devices = new DeviceRegistry(log, wallClock)
  const tokens = new TokenRegistry(log, wallClock, 'admin-token')
  const secrets = new Map<string, string>()
  const created = await Promise.all(deviceIds.map((id) => devices.create({ id, type: 'generic' })))
  for (const [index, id] of deviceIds.entries()) secrets.set(id, created[index]!.secret)
  const roleTokens = new Map<Role, string>([['admin', 'admin-token']])
  for (const role of ['read', 'operate'] as const)
    roleTokens.set(role, (await tokens.create({ name: role, role, expiresAt: null })).secret)
  const lines: { code?: string }[] = []
  const gate = new LogGate(log)
  const broker = new Broker({
    log: gate,
    devices,
    tokens,
    clock: wallClock,
    logger: pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) }),
    metrics: createMetrics(),
    host: '127.0.0.1',
    mqttPort: 0,
    packetBytesMax: 65_536,
    deviceRateMax: 0,
    deviceBurstMax: 2_000,
    connectionsPerAddressMax: 50,
    ...brokerOptions,
  })
  devices.onChange((change, id) => {
    if (change === 'removed' || change === 'secret') broker.connections.disconnect(id)
  })
  const { port, tlsPort } = await broker.start().catch(async (error) => {
    await log.close()
    dir.remove()
    throw error
  })
  return {
    broker,
    port,
    tlsPort,
    log,
    gate,
    devices,
    tokens,
    secret: (id) => secrets.get(id)!,
    token: (role) => roleTokens.get(role)!,
    connect: (clientId, { role, ...connect } = {}) =>
      RawClient.connect(port, {
        clientId,
        ...(role === undefined
          ? { username: clientId, password: secrets.get(clientId)! }
          : { username: 'api', password: roleTokens.get(role)! }),
        ...connect,
      }),
    messages: () => messagesOf(log),
    connectionChanges: () => changesOf(log),
    codes: () => lines.flatMap((line) => line.code ?? []),
    stop: async () => {
      gate.release()
      gate.transactionFailure = undefined
      await broker.stop()
      await log.close()
      dir.remove()
    },
  }
}

/** What the stream `connections` of `log` holds, in order. */
export function changesOf(log: Log): ConnectionChange[] {
  const records = log.read('connections', 0, { entriesMax: 1e9, bytesMax: 1e9 })
  return records.flatMap(({ value }) => decodeConnectionChanges(value))
}

function messagesOf(log: Log): LoggedMessage[] {
  const messages: LoggedMessage[] = []
  for (const { value } of log.read('ingress', 0, { entriesMax: 1e9, bytesMax: 1e9 })) {
    const reader = new IngressGroupReader(value)
    while (reader.next()) {
      const payload = reader.bytes.toString('utf8', reader.payloadStart, reader.payloadEnd)
      messages.push({ device: reader.device, topic: reader.topic, payload })
    }
  }
  return messages
}
