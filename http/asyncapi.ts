import { z } from 'zod'
import { messages } from './asyncapi-messages.ts'
import { authority } from './reached-host.ts'

/** Where the platform is reached. */
export interface MqttServers {
  readonly host: string
  readonly mqttPort: number
  readonly mqttsPort: number | undefined
  readonly httpPort: number
}

type MessageName = keyof typeof messages

interface Channel {
  readonly address: string
  readonly description: string
  readonly parameters?: Readonly<Record<string, object>>
  readonly messages: readonly MessageName[]
}

const device = { id: { description: 'Id of a device' } }
const command = { ...device, commandId: { description: 'Id of a command' } }

/** One for each row of topics. */
const channels = {
  telemetry: {
    address: 'devices/{id}/telemetry',
    description: 'Readings of a device',
    parameters: device,
    messages: ['Readings'],
  },
  ownTelemetry: {
    address: 'v1/devices/me/telemetry',
    description: 'The same; the device is the one that is connected',
    messages: ['Readings'],
  },
  commands: {
    address: 'devices/{id}/commands/{commandId}',
    description:
      'Commands to a device, which subscribes to devices/{id}/commands/+; operators may use further levels',
    parameters: command,
    messages: ['Command', 'Relayed'],
  },
  responses: {
    address: 'devices/{id}/commands/{commandId}/response',
    description: 'What a device answers to a command',
    parameters: command,
    messages: ['Response'],
  },
  events: {
    address: 'events/{class}/{id}',
    description: 'What happened to alarms',
    parameters: {
      class: { enum: ['maintenance', 'health'] },
      id: { description: 'Id of a device; that of a group (`site=berlin`) is percent-encoded' },
    },
    messages: ['Event'],
  },
} as const satisfies Readonly<Record<string, Channel>>
type ChannelName = keyof typeof channels

interface Operation {
  readonly action: 'send' | 'receive'
  readonly channel: ChannelName
  readonly message: MessageName
  readonly summary: string
  /** The highest that the platform sends at or takes. */
  readonly qos: 0 | 1 | 2
  readonly reply?: { readonly channel: ChannelName; readonly message: MessageName }
}

/** What the platform does: it is the application that the document describes. */
const operations: Readonly<Record<string, Operation>> = {
  receiveTelemetry: {
    action: 'receive',
    channel: 'telemetry',
    message: 'Readings',
    summary: 'A device publishes readings: PUBACK (QoS 1) and PUBREC (QoS 2) say that they are on disk',
    qos: 2,
  },
  receiveOwnTelemetry: {
    action: 'receive',
    channel: 'ownTelemetry',
    message: 'Readings',
    summary: 'The same, as ThingsBoard devices publish',
    qos: 2,
  },
  copyTelemetry: {
    action: 'send',
    channel: 'telemetry',
    message: 'Readings',
    summary:
      'Copies for operators of role read, who subscribe to devices/+/telemetry; a slow one misses some',
    qos: 0,
  },
  sendCommand: {
    action: 'send',
    channel: 'commands',
    message: 'Command',
    summary:
      'A command of POST /api/v1/devices/{id}/commands, until the device has acknowledged it or it ends',
    qos: 1,
    reply: { channel: 'responses', message: 'Response' },
  },
  receiveResponse: {
    action: 'receive',
    channel: 'responses',
    message: 'Response',
    summary: 'The device itself answers: PUBACK says that the answer is on disk',
    qos: 2,
  },
  receiveRelayed: {
    action: 'receive',
    channel: 'commands',
    message: 'Relayed',
    summary: 'An operator of role operate publishes to a device; nothing is kept of it',
    qos: 2,
  },
  sendRelayed: {
    action: 'send',
    channel: 'commands',
    message: 'Relayed',
    summary: 'It is passed on to the device',
    qos: 2,
  },
  sendEvent: {
    action: 'send',
    channel: 'events',
    message: 'Event',
    summary: 'Events for operators of role read, who subscribe to events/#: at least once, in order',
    qos: 1,
  },
}

const bindingVersion = '0.2.0'

/** The MQTT face as an AsyncAPI 3.0 document. */
export function asyncApiDocument(info: object, servers: MqttServers): object {
  return {
    asyncapi: '3.0.0',
    info: { ...info, description: 'MQTT 3.1 and 3.1.1. HTTP is described by /openapi.json.' },
    defaultContentType: 'application/json',
    servers: serversOf(servers),
    channels: mapped(channels, channelOf),
    operations: mapped(operations, operationOf),
    components: {
      messages: mapped(messages, ({ title, examples }, name) => ({
        ...{ name, title, payload: { $ref: `#/components/schemas/${name}` } },
        examples: examples.map((payload) => ({ payload })),
      })),
      schemas: mapped(messages, ({ payload }) => jsonSchema(payload)),
      securitySchemes: {
        userPassword: {
          type: 'userPassword',
          description: [
            'A device: client id and username are its id, the password is its secret; or the username is its secret and there is no password.',
            'An operator: any client id, username `api`, the password is an API token.',
          ].join(' '),
        },
      },
    },
  }
}

function serversOf({ host, mqttPort, mqttsPort, httpPort }: MqttServers): object {
  const security = [{ $ref: '#/components/securitySchemes/userPassword' }]
  const server = (port: number, protocol: string) => ({
    ...{ host: authority(host, port), protocol, protocolVersion: '3.1.1', security },
  })
  return {
    mqtt: server(mqttPort, 'mqtt'),
    ...(mqttsPort !== undefined && { mqtts: server(mqttsPort, 'secure-mqtt') }),
    ws: {
      ...{ ...server(httpPort, 'ws'), pathname: '/mqtt' },
      description: 'MQTT over WebSocket, subprotocol mqtt',
    },
  }
}

function channelOf({ messages: names, ...channel }: Channel): object {
  const refs = names.map((name) => [name, { $ref: `#/components/messages/${name}` }] as const)
  return { ...channel, messages: Object.fromEntries(refs) }
}

function operationOf({ action, channel, message, summary, qos, reply }: Operation): object {
  return {
    ...{ action, summary, ...refTo({ channel, message }) },
    ...(reply !== undefined && { reply: refTo(reply) }),
    bindings: { mqtt: { qos, retain: false, bindingVersion } },
  }
}

function refTo({ channel, message }: Pick<Operation, 'channel' | 'message'>) {
  const ref = `#/channels/${channel}`
  return { channel: { $ref: ref }, messages: [{ $ref: `${ref}/messages/${message}` }] }
}

/** Of an input, where an object may have more fields than are named: so may what is sent, later. */
function jsonSchema(schema: z.ZodType): object {
  // The dialect of AsyncAPI's schemas.
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' })
  return rest
}

function mapped<V>(table: Readonly<Record<string, V>>, map: (value: V, name: string) => object): object {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name, map(value, name)]))
}
