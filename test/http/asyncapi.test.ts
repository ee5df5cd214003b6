import { createRequire } from 'node:module'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { messages } from '../../http/asyncapi-messages.ts'
import { decodePayload } from '../../ingest/payload.ts'
import { startApi } from './api.ts'
import { compiled, type SchemaDocument, validatorOf } from './asyncapi-document.ts'

/** The schema of the specification itself. */
const specification = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0-without-$id.json')
const examples = Object.entries(messages).flatMap(([name, { examples: shown }]) =>
  shown.map((example) => [name, example] as const),
)
const isTaken = (payload: unknown) => {
  const bytes = Buffer.from(JSON.stringify(payload))
  return !('reason' in decodePayload(bytes, 0, bytes.length))
}

async function documentOf(given: Parameters<typeof startApi>[0] = {}, host = 'tidemark.example:8080') {
  const api = await startApi(given)
  const answer = await api.call('GET', '/asyncapi.json', undefined, { token: undefined, headers: { host } })
  expect(answer.status).toBe(200)
  return answer.body as SchemaDocument
}

test('is AsyncAPI 3.0, and every reference in it leads somewhere', async () => {
  const document = await documentOf()
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: false })
  const isValid = ajv.compile(specification)
  expect(isValid(document), JSON.stringify(isValid.errors)).toBe(true)
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path!)
  expect(refs.length).toBeGreaterThan(20)
  for (const path of refs) {
    const found = path
      .split('/')
      .reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document)
    expect(found, path).toBeDefined()
  }
})

test('has every topic of the contract, and the platform as the one that sends and receives', async () => {
  const { channels, operations } = await documentOf()
  expect(Object.values(channels).map(({ address }) => address)).toEqual([
    'devices/{id}/telemetry',
    'v1/devices/me/telemetry',
    'devices/{id}/commands/{commandId}',
    'devices/{id}/commands/{commandId}/response',
    'events/{class}/{id}',
  ])
  const done = Object.values(operations).map(
    ({ action, channel: { $ref } }) => `${action} ${$ref.split('/')[2]}`,
  )
  expect(done.sort()).toEqual([
    ...['receive commands', 'receive ownTelemetry', 'receive responses', 'receive telemetry'],
    ...['send commands', 'send commands', 'send events', 'send telemetry'],
  ])
})

describe('servers', () => {
  test('are named as the caller reached the platform, with TLS where MQTT has it', async () => {
    const mqttPorts = { plain: 1884, tls: 8884 }
    const { servers } = await documentOf({ mqttPorts })
    expect(Object.entries(servers).map(([name, { host, protocol }]) => [name, protocol, host])).toEqual([
      ['mqtt', 'mqtt', 'tidemark.example:1884'],
      ['mqtts', 'secure-mqtt', 'tidemark.example:8884'],
      ['ws', 'ws', 'tidemark.example:8080'],
    ])
    expect(servers.ws!.pathname).toBe('/mqtt')
  })

  test.each([
    ['[::1]:8080', '[::1]:1883', '[::1]:8080'],
    ['tidemark.example', 'tidemark.example:1883', 'tidemark.example:80'],
  ])('of %s', async (host, mqtt, ws) => {
    const { servers } = await documentOf({}, host)
    expect([servers.mqtt!.host, servers.ws!.host, servers.mqtts]).toEqual([mqtt, ws, undefined])
  })
})

describe('messages', () => {
  test.each(examples)('%s: the example %j is as its schema says', async (name, example) => {
    expect(validatorOf(await documentOf(), name)(example)).toBe(true)
  })

  test.each(examples.filter(([name]) => name === 'Readings'))('%s: the platform takes %j', (_, example) => {
    expect(isTaken(example)).toBe(true)
  })

  test('what the schema of readings refuses of the shape the platform refuses too, and the other way round', async () => {
    const isDescribed = validatorOf(await documentOf(), 'Readings')
    const taken = [
      { a: 1 },
      { a: null, b: 'x' },
      { seq: 1, values: { a: 1 } },
      [{ a: 1 }],
      [{ ts: 1732000000000, values: { a: 1 } }],
    ]
    const refused = [
      ...[[], {}, 1, 'a', null, [1], [[]], { ts: 1 }, { values: 1 }, { values: { a: 1 }, other: 1 }],
      ...[
        { ts: 'x', values: { a: 1 } },
        { ts: 1.5, values: { a: 1 } },
        { ts: 1, values: { a: 1 } },
      ],
    ]
    expect(taken.map((payload) => [isDescribed(payload), isTaken(payload)])).toEqual(
      taken.map(() => [true, true]),
    )
    expect(refused.map((payload) => [payload, isDescribed(payload), isTaken(payload)])).toEqual(
      refused.map((payload) => [payload, false, false]),
    )
  })

  test('names of metrics are those of the contract', async () => {
    const isDescribed = validatorOf(await documentOf(), 'Readings')
    expect(
      ['a', 'A_1', 'times', '1a', 'a-b', 'time', `a${'b'.repeat(64)}`].map((name) =>
        isDescribed({ [name]: 1 }),
      ),
    ).toEqual([true, true, true, false, false, false, false])
  })
})

test('a check of the document can fail: one without its version is not valid', async () => {
  const { asyncapi: _, ...rest } = (await documentOf()) as SchemaDocument & { asyncapi: string }
  expect(compiled(specification)(rest)).toBe(false)
})
