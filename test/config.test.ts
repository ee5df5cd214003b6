import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ConfigSources, envName, flagName, loadConfig, type Option, options } from '../config.ts'
import { tempDir } from './support/temp-dir.ts'

/** The configuration of a folder with this `tidemark.config.json`. */
function load(sources: Partial<ConfigSources> = {}, file?: unknown) {
  const cwd = tempDir()
  if (file !== undefined) {
    const text = typeof file === 'string' ? file : JSON.stringify(file)
    writeFileSync(join(cwd, 'tidemark.config.json'), text)
  }
  return loadConfig({ flags: {}, env: {}, cwd, ...sources })
}

/** The refusal's message; fails when there is none. */
function refusal(sources: Partial<ConfigSources>, file?: unknown): string {
  try {
    load(sources, file)
  } catch (error) {
    expect(error).toMatchObject({ code: 'TIDEMARK_CONFIG_INVALID', exitCode: 2 })
    return (error as Error).message
  }
  throw new Error('it was not refused')
}

test('without anything given the defaults hold, and they are those of the contract', () => {
  const cwd = tempDir()
  expect(loadConfig({ flags: {}, env: {}, cwd })).toMatchObject({
    ...{ dataDir: join(cwd, 'data'), host: '127.0.0.1', mqttPort: 1883, httpPort: 8080, store: 'duckdb' },
    ...{ deviceRateMax: 200, deviceBurstMax: 2000, packetBytesMax: 65_536, connectionsPerAddressMax: 50 },
    ...{ demo: false, allowPlain: false, influxVersion: 'auto', influxBucket: 'tidemark' },
  })
})

test('a flag is before the environment, that before the file, that before the default', () => {
  const flags = { mqttPort: '1' }
  const env = { TIDEMARK_MQTT_PORT: '2', TIDEMARK_HTTP_PORT: '12' }
  const file = { mqttPort: 3, httpPort: 13, deviceRateMax: 23 }
  expect(load({ flags, env }, file)).toMatchObject({ mqttPort: 1, httpPort: 12, deviceRateMax: 23 })
  expect(load({ env }, file).mqttPort).toBe(2)
  expect(load({}, file).mqttPort).toBe(3)
  expect(load().mqttPort).toBe(1883)
})

test('false, 0 and an empty variable are values or none, as they should be', () => {
  expect(load({ flags: { demo: false } }, { demo: true }).demo).toBe(false)
  expect(load({ env: { TIDEMARK_DEMO: 'false' } }, { demo: true }).demo).toBe(false)
  expect(load({ env: { TIDEMARK_DEVICE_RATE_MAX: '0' } }).deviceRateMax).toBe(0)
  expect(load({ env: { TIDEMARK_MQTT_PORT: '' } }, { mqttPort: 3 }).mqttPort).toBe(3)
})

test('the configuration cannot be changed', () => {
  const config = load()
  expect(() => Object.assign(config, { mqttPort: 1 })).toThrow(TypeError)
})

test('every option has a flag, a variable and a key, which all three work', () => {
  expect([flagName('connectionsPerAddressMax'), envName('connectionsPerAddressMax')]).toEqual([
    ...['--connections-per-address-max', 'TIDEMARK_CONNECTIONS_PER_ADDRESS_MAX'],
  ])
  const dir = tempDir()
  const path = join(dir, 'some-file')
  writeFileSync(path, 'x')
  const example = ({ kind, fallback }: Option): string => {
    if (typeof kind === 'object') return kind[0]!
    const examples = { text: '/some', file: path, url: 'https://db:1', port: '99', count: '77', flag: 'true' }
    const others = { bytes: '2MiB', networks: '10.20.0.0/16' }
    return fallback === 'broker,ingest,rules,http' ? fallback : { ...examples, ...others }[kind]
  }
  const beside = { tlsCert: path, tlsKey: path, allowPlain: true }
  for (const option of options as readonly Option[]) {
    const { key } = option
    const value = example(option)
    const expected = load({ flags: { ...beside, [key]: value } })[key as 'host']
    expect(expected, key).toBeDefined()
    expect(load({ flags: beside, env: { [envName(key)]: value } })[key as 'host'], key).toEqual(expected)
    expect(
      load({ flags: { ...beside, [key]: undefined } }, { ...beside, [key]: value })[key as 'host'],
      key,
    ).toEqual(expected)
  }
})

describe('secrets', () => {
  const secrets = (options as readonly Option[]).filter((option) => option.isSecret).map(({ key }) => key)

  test('are the tokens and the passwords', () => {
    expect(secrets).toEqual(['influxToken', 'influxPassword', 'adminToken'])
  })

  test.each(secrets)('%s may come from a file, without the line break at its end', (key) => {
    const path = join(tempDir(), 'secret')
    writeFileSync(path, 's3cret\n')
    const env = { [`${envName(key)}_FILE`]: path }
    expect(load({ env })[key as 'adminToken']).toBe('s3cret')
    expect(load({ env: { ...env, [envName(key)]: 'nearer' } })[key as 'adminToken']).toBe('nearer')
    expect(load({ env }, { [key]: 'farther' })[key as 'adminToken']).toBe('s3cret')
  })

  test('a file that is missing or empty is refused under its own name, without its content', () => {
    const empty = join(tempDir(), 'empty')
    writeFileSync(empty, '\n')
    for (const path of [empty, '/nowhere/secret']) {
      const message = refusal({ env: { TIDEMARK_ADMIN_TOKEN_FILE: path } })
      expect(message).toMatch(/^adminToken \(TIDEMARK_ADMIN_TOKEN_FILE\): expected /)
    }
  })

  test('a bad value of a secret is not repeated', () => {
    expect(refusal({}, { adminToken: 12_345_678 })).not.toContain('12345678')
    expect(refusal({ env: { TIDEMARK_INFLUX_URL: 'http://u:hunter2@db' } })).not.toContain('hunter2')
  })
})

describe('a bad value is refused with its key, where it came from and what was expected', () => {
  const cases: [string, unknown, string][] = [
    ...['x', '-1', '65536', '1.5', '0x10', '1e3', ' ', null, true, [1]].map(
      (bad): [string, unknown, string] => ['mqttPort', bad, 'a port, 0 to 65535'],
    ),
    ...['many', -1, 0.5, '1_000', Number.MAX_SAFE_INTEGER + 1].map((bad): [string, unknown, string] => [
      ...(['deviceRateMax', bad, 'a whole number of at least 0'] as const),
    ]),
    ['connectionsPerAddressMax', 0, 'a whole number of at least 1'],
    ['deviceBurstMax', '0', 'a whole number of at least 1'],
    ['duckdbMemoryMb', 8, 'a whole number of at least 32'],
    ...['', '0', '-5', '5 apples', '5MB', '1.5GiB', '99999999999TiB', {}].map(
      (bad): [string, unknown, string] => ['logBytesMax', bad, 'a number of bytes, such as 65536 or 512MiB'],
    ),
    ...['maybe', 'TRUE', 1, null].map((bad): [string, unknown, string] => ['demo', bad, 'true or false']),
    ['store', 'postgres', 'one of duckdb, influxdb'],
    ['influxVersion', '4', 'one of 1, 2, 3, auto'],
    ['logLevel', 'loud', 'one of fatal, error, warn, info, debug, trace'],
    ['host', '', 'text'],
    ['host', 7, 'text'],
    ...['db:8086', 'ftp://db', 'http://', 'http://user:pw@db', 5].map((bad): [string, unknown, string] => [
      ...(['influxUrl', bad, 'an http or https URL without credentials in it'] as const),
    ]),
    ...['10.0.0.0/33', 'private', '10.0.0.0/8 fd00::/8', 10].map((bad): [string, unknown, string] => [
      ...(['webhookAllowNetworks', bad, 'networks by comma, such as 10.20.0.0/16,127.0.0.1'] as const),
    ]),
    ['tlsCert', '/nowhere/cert.pem', 'a readable file'],
    ['tlsKey', 5, 'the path of a file'],
  ]
  test.each(cases)('%s %j: expected %s', (key, bad, expected) => {
    expect(refusal({}, { [key]: bad })).toMatch(`${key} (tidemark.config.json): expected ${expected}`)
    if (typeof bad !== 'string') return
    expect(refusal({ flags: { [key]: bad } })).toMatch(`${key} (${flagName(key)}): expected ${expected}`)
    if (bad !== '')
      expect(refusal({ env: { [envName(key)]: bad } })).toMatch(
        `${key} (${envName(key)}): expected ${expected}`,
      )
  })

  test.each([
    ['a whole number', '65536', 65_536],
    ['KiB', '64KiB', 65_536],
    ['GiB with a space', '2 GiB', 2 * 1024 ** 3],
  ])('bytes: %s', (_name, text, bytes) => {
    expect(load({ flags: { logBytesMax: text } }).logBytesMax).toBe(bytes)
  })
})

describe('what does not go together', () => {
  test('an address that is not loopback needs --allow-plain', () => {
    expect(refusal({ flags: { host: '0.0.0.0' } })).toContain('--allow-plain')
    expect(load({ flags: { host: '0.0.0.0', allowPlain: true } }).host).toBe('0.0.0.0')
    for (const host of ['localhost', '127.0.0.2', '::1']) expect(load({ flags: { host } }).host).toBe(host)
  })

  test('a TLS port needs a certificate and a key', () => {
    const file = join(tempDir(), 'x.pem')
    writeFileSync(file, '')
    expect(refusal({ flags: { mqttsPort: '8883' } })).toContain('tlsCert and tlsKey')
    expect(refusal({ flags: { mqttsPort: '8883', tlsCert: file } })).toContain('tlsCert and tlsKey')
    expect(load({ flags: { mqttsPort: '8883', tlsCert: file, tlsKey: file } }).mqttsPort).toBe(8883)
  })

  test('roles are known ones, and all of them until some can run alone', () => {
    expect(refusal({ flags: { roles: 'broker,baker' } })).toContain('not baker')
    expect(refusal({ flags: { roles: 'broker' } })).toContain('none runs alone yet')
    expect(load({ flags: { roles: 'http, rules, ingest, broker' } }).roles).toBe(
      'http, rules, ingest, broker',
    )
  })
})

describe('tidemark.config.json', () => {
  test.each(['mqtt_port', 'MqttPort', '__proto__', 'constructor', ''])('the key %j is unknown', (key) => {
    expect(refusal({}, `{${JSON.stringify(key)}: 1}`)).toBe(
      `${key} (tidemark.config.json): expected a key of \`tidemark start --help\``,
    )
  })

  test.each(['{', '[]', 'null', '"text"', ''])('%j is no configuration', (text) => {
    expect(refusal({}, text)).toMatch(/^tidemark\.config\.json \(.*tidemark\.config\.json\): expected .*JSON/)
  })

  test('that cannot be read is refused, not passed over', () => {
    const cwd = tempDir()
    mkdirSync(join(cwd, 'tidemark.config.json'))
    expect(refusal({ cwd })).toContain('tidemark.config.json')
  })
})
