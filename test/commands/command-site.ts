import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { expect, onTestFinished } from 'vitest'
import { CommandDelivery } from '../../commands/command-delivery.ts'
import { CommandTable } from '../../commands/command-table.ts'
import type { CommandRecord, CommandStatus } from '../../domain/command.ts'
import { silentLogger } from '../../lib/logger.ts'
import { counters } from '../../log/log.ts'
import { startBroker } from '../broker/live-broker.ts'
import { poll } from '../broker/raw-client.ts'

export interface SentCommand {
  readonly id: string
  readonly name: string
  readonly payload: unknown
  readonly createdAt: number
  readonly expiresAt: number
}

/** A device with a real MQTT client that keeps what it gets, and answers where `answer` says so. */
export interface CommandedDevice {
  readonly client: MqttClient
  readonly commands: SentCommand[]
  respond(id: string, payload: unknown): Promise<unknown>
}

/** The delivery of commands on a real broker and a real log, with devices `d1` and `d2`. */
export async function commandSite(options: Parameters<typeof startBroker>[0] = {}) {
  const live = await startBroker(options)
  let now = Date.now()
  const clock = { now: () => now }
  const table = new CommandTable(live.log)
  const start = () => {
    const delivery = new CommandDelivery({
      ...{ log: live.log, clock, logger: silentLogger },
      send: (device, message) => live.broker.send(device, message),
    })
    live.broker.onListening(delivery.deliver)
    delivery.start()
    onTestFinished(() => delivery.stop())
    return delivery
  }
  start()

  const connect = async (id: string, given: IClientOptions = {}): Promise<CommandedDevice> => {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${live.port}`, {
      ...{ clientId: id, username: id, password: live.secret(id), reconnectPeriod: 0 },
      ...given,
    })
    const commands: SentCommand[] = []
    client.on('message', (topic, payload) => {
      if (!topic.endsWith('/response')) commands.push(JSON.parse(payload.toString()))
    })
    onTestFinished(() => void client.end(true))
    const respond = (command: string, payload: unknown) =>
      client.publishAsync(
        `devices/${id}/commands/${command}/response`,
        typeof payload === 'string' ? payload : JSON.stringify(payload),
        { qos: 1 },
      )
    return { client, commands, respond }
  }

  return {
    live,
    table,
    connect,
    /** Connects a device that has subscribed to its commands. */
    listen: async (id: string, given: IClientOptions & { qos?: 0 | 1 } = {}): Promise<CommandedDevice> => {
      const device = await connect(id, given)
      await device.client.subscribeAsync(`devices/${id}/commands/#`, { qos: given.qos ?? 1 })
      return device
    },
    command: async (given: { device?: string; name?: string; payload?: unknown; ttlMs?: number } = {}) => {
      const { device = 'd1', name = 'set_relay', payload = { closed: false }, ttlMs = 60_000 } = given
      const input = { device, name, payload, createdBy: 'test', expiresAt: now + ttlMs }
      return (await table.create(input, now)) as CommandRecord
    },
    pass: (ms: number) => {
      now += ms
    },
    statuses: (id: string, device = 'd1') => table.find(device, id)?.history.map(({ status }) => status),
    expectStatus: async (id: string, status: CommandStatus, device = 'd1') => {
      await expect.poll(() => table.find(device, id)?.status, poll).toBe(status)
    },
    ignored: () => live.log.stats().counters[counters.commandResponsesIgnored] ?? 0,
  }
}
