import { accessSync, constants, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseNetworks } from './lib/address-guard.ts'
import { messageOf, TidemarkError } from './lib/errors.ts'

type Kind = 'text' | 'file' | 'url' | 'networks' | 'port' | 'count' | 'flag' | 'bytes' | readonly string[]

/** One option of `tidemark start`. The table below drives flags, environment, file, `--help` and `config print`. */
export interface Option {
  /** Key in `tidemark.config.json`; the flag and `TIDEMARK_<NAME>` follow from it. */
  readonly key: string
  readonly kind: Kind
  readonly fallback?: string | number | boolean
  readonly isSecret?: boolean
  /** Least value of a count; 0 unless told. */
  readonly min?: number
  readonly description: string
}

export const options = [
  {
    key: 'dataDir',
    kind: 'text',
    fallback: './data',
    description: 'folder of the log, the embedded store and the lock',
  },
  { key: 'host', kind: 'text', fallback: '127.0.0.1', description: 'address to listen on' },
  { key: 'mqttPort', kind: 'port', fallback: 1883, description: 'MQTT over TCP; 0 takes a free port' },
  { key: 'mqttsPort', kind: 'port', description: 'MQTT over TLS; needs --tls-cert and --tls-key' },
  { key: 'tlsCert', kind: 'file', description: 'certificate file, PEM' },
  { key: 'tlsKey', kind: 'file', description: 'private key file, PEM' },
  {
    key: 'tlsCa',
    kind: 'file',
    description: 'authority of client certificates, PEM; clients must then show one',
  },
  {
    key: 'allowPlain',
    kind: 'flag',
    fallback: false,
    description: 'allow plain MQTT on an address that is not loopback',
  },
  {
    key: 'httpPort',
    kind: 'port',
    fallback: 8080,
    description: 'HTTP and MQTT over WebSocket; 0 takes a free port',
  },
  {
    key: 'store',
    kind: ['duckdb', 'influxdb'],
    fallback: 'duckdb',
    description: 'where readings are stored',
  },
  {
    key: 'duckdbMemoryMb',
    kind: 'count',
    fallback: 256,
    min: 32,
    description: 'memory limit of the embedded store, MB',
  },
  { key: 'influxUrl', kind: 'url', fallback: 'http://127.0.0.1:8086', description: 'InfluxDB' },
  { key: 'influxVersion', kind: ['1', '2', '3', 'auto'], fallback: 'auto', description: 'its major version' },
  { key: 'influxOrg', kind: 'text', description: 'organisation (2.x)' },
  { key: 'influxBucket', kind: 'text', fallback: 'tidemark', description: 'bucket or database' },
  { key: 'influxToken', kind: 'text', isSecret: true, description: 'token (2.x and 3)' },
  { key: 'influxUsername', kind: 'text', description: 'user (1.x)' },
  { key: 'influxPassword', kind: 'text', isSecret: true, description: 'password (1.x)' },
  { key: 'demo', kind: 'flag', fallback: false, description: 'run a demo fleet' },
  { key: 'roles', kind: 'text', fallback: 'broker,ingest,rules,http', description: 'parts to run, by comma' },
  {
    key: 'logLevel',
    kind: ['fatal', 'error', 'warn', 'info', 'debug', 'trace'],
    fallback: 'info',
    description: 'least level that is logged',
  },
  {
    key: 'deviceRateMax',
    kind: 'count',
    fallback: 200,
    description: 'messages a second of one device; 0 lifts the limit',
  },
  {
    key: 'deviceBurstMax',
    kind: 'count',
    fallback: 2000,
    min: 1,
    description: 'messages at once of one device',
  },
  { key: 'packetBytesMax', kind: 'bytes', fallback: 65_536, description: 'largest MQTT packet' },
  {
    key: 'rulePairsMax',
    kind: 'count',
    fallback: 1_000_000,
    min: 1,
    description: 'pairs of rule and device that are evaluated',
  },
  {
    key: 'logBytesMax',
    kind: 'bytes',
    fallback: 4 * 1024 ** 3,
    description: 'size of what waits in the durable log; 512MiB style too',
  },
  {
    key: 'diskFreeBytesMin',
    kind: 'bytes',
    fallback: 1024 ** 3,
    description: 'room on the disk of the data directory below which there is an alarm',
  },
  {
    key: 'connectionsPerAddressMax',
    kind: 'count',
    fallback: 50,
    min: 1,
    description: 'connections of one address (not loopback)',
  },
  {
    key: 'webhookAllowHttp',
    kind: 'flag',
    fallback: false,
    description: 'allow webhooks with plain http URLs',
  },
  {
    key: 'webhookAllowNetworks',
    kind: 'networks',
    description: 'networks not public that webhooks may reach all the same, by comma',
  },
  {
    key: 'adminToken',
    kind: 'text',
    isSecret: true,
    description: 'else made once, in <data-dir>/admin-token',
  },
] as const satisfies readonly Option[]

export interface Config {
  readonly dataDir: string
  readonly host: string
  readonly mqttPort: number
  readonly mqttsPort?: number
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly tlsCa?: string
  readonly allowPlain: boolean
  readonly httpPort: number
  readonly store: 'duckdb' | 'influxdb'
  readonly duckdbMemoryMb: number
  readonly influxUrl: string
  readonly influxVersion: '1' | '2' | '3' | 'auto'
  readonly influxOrg?: string
  readonly influxBucket: string
  readonly influxToken?: string
  readonly influxUsername?: string
  readonly influxPassword?: string
  readonly demo: boolean
  readonly roles: string
  readonly logLevel: string
  readonly deviceRateMax: number
  readonly deviceBurstMax: number
  readonly packetBytesMax: number
  readonly logBytesMax: number
  readonly diskFreeBytesMin: number
  readonly rulePairsMax: number
  readonly connectionsPerAddressMax: number
  readonly webhookAllowHttp: boolean
  readonly webhookAllowNetworks?: string
  readonly adminToken?: string
}

export interface ConfigSources {
  /** Values of the flags that were given, by key. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Folder of `tidemark.config.json`. */
  readonly cwd: string
}

/**
 * The configuration: flags over environment over `tidemark.config.json` over defaults, frozen.
 * Throws TIDEMARK_CONFIG_INVALID (exit code 2) with the key, its source and what was expected.
 */
export function loadConfig(sources: ConfigSources): Config {
  const file = readFile(sources.cwd)
  const known = new Set<string>(options.map((option) => option.key))
  for (const key of Object.keys(file)) {
    if (!known.has(key)) throw invalid(key, 'tidemark.config.json', 'a key of `tidemark start --help`')
  }
  const config: Record<string, unknown> = {}
  for (const option of options as readonly Option[]) {
    const [given, source] = find(option, sources, file)
    const value = given === undefined ? option.fallback : parse(option, given, source)
    if (value !== undefined) config[option.key] = value
  }
  const checked = config as unknown as Config
  check(checked)
  return Object.freeze({ ...checked, dataDir: resolve(sources.cwd, checked.dataDir) })
}

/** `--mqtt-port` for `mqttPort`. */
export function flagName(key: string): string {
  return `--${kebab(key)}`
}

/** `TIDEMARK_MQTT_PORT` for `mqttPort`. */
export function envName(key: string): string {
  return `TIDEMARK_${kebab(key).replaceAll('-', '_').toUpperCase()}`
}

function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function find(
  option: Option,
  { flags, env }: ConfigSources,
  file: Record<string, unknown>,
): [unknown, string] {
  if (flags[option.key] !== undefined) return [flags[option.key], flagName(option.key)]
  const name = envName(option.key)
  if (env[name] !== undefined && env[name] !== '') return [env[name], name]
  const secretFile = env[`${name}_FILE`]
  if (option.isSecret && secretFile) {
    try {
      return [readFileSync(secretFile, 'utf8').trim(), `${name}_FILE`]
    } catch (error) {
      throw invalid(option.key, `${name}_FILE`, `a readable file: ${messageOf(error)}`)
    }
  }
  return [file[option.key], 'tidemark.config.json']
}

function readFile(cwd: string): Record<string, unknown> {
  const path = join(cwd, 'tidemark.config.json')
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw invalid('tidemark.config.json', path, messageOf(error))
  }
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>
  } catch (error) {
    throw invalid('tidemark.config.json', path, `JSON: ${messageOf(error)}`)
  }
  throw invalid('tidemark.config.json', path, 'a JSON object')
}

function parse(option: Option, given: unknown, source: string): string | number | boolean {
  const { key, kind } = option
  if (typeof kind === 'object') {
    if (kind.includes(String(given))) return String(given)
    throw invalid(key, source, `one of ${kind.join(', ')}`)
  }
  switch (kind) {
    case 'text':
      if (typeof given === 'string' && given !== '') return given
      throw invalid(key, source, 'text')
    case 'file':
      return file(option, given, source)
    case 'url':
      return url(option, given, source)
    case 'networks':
      if (typeof given === 'string' && parseNetworks(given) !== undefined) return given
      throw invalid(key, source, 'networks by comma, such as 10.20.0.0/16,127.0.0.1')
    case 'flag':
      if (given === true || given === 'true' || given === '1') return true
      if (given === false || given === 'false' || given === '0') return false
      throw invalid(key, source, 'true or false')
    case 'port':
      return wholeNumber(option, given, source, 65_535, 'a port, 0 to 65535')
    case 'count':
      return wholeNumber(option, given, source, Number.MAX_SAFE_INTEGER, atLeast(option.min ?? 0))
    case 'bytes':
      return bytes(option, given, source)
  }
}

function atLeast(min: number): string {
  return `a whole number of at least ${min}`
}

function wholeNumber(
  { key, min = 0 }: Option,
  given: unknown,
  source: string,
  max: number,
  expected: string,
): number {
  const value = typeof given === 'string' && /^\d+$/.test(given.trim()) ? Number(given) : given
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  throw invalid(key, source, expected)
}

function file({ key }: Option, given: unknown, source: string): string {
  try {
    if (typeof given === 'string') {
      accessSync(given, constants.R_OK)
      return given
    }
  } catch (error) {
    throw invalid(key, source, `a readable file: ${messageOf(error)}`)
  }
  throw invalid(key, source, 'the path of a file')
}

/** Credentials have options of their own, which are not shown; in a URL they would be. */
function url({ key }: Option, given: unknown, source: string): string {
  if (typeof given === 'string' && URL.canParse(given)) {
    const { protocol, username, password } = new URL(given)
    if (/^https?:$/.test(protocol) && username === '' && password === '') return given
  }
  throw invalid(key, source, 'an http or https URL without credentials in it')
}

const allRoles: readonly string[] = ['broker', 'ingest', 'rules', 'http']

const byteUnits: Readonly<Record<string, number>> = {
  '': 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
}

function bytes({ key }: Option, given: unknown, source: string): number {
  const match = /^(\d+)\s*(|KiB|MiB|GiB|TiB)$/.exec(String(given).trim())
  const value = match === null ? Number.NaN : Number(match[1]) * byteUnits[match[2]!]!
  if (Number.isSafeInteger(value) && value > 0) return value
  throw invalid(key, source, 'a number of bytes, such as 65536 or 512MiB')
}

function check(config: Config): void {
  const { mqttsPort, tlsCert, tlsKey, host, allowPlain } = config
  if (mqttsPort !== undefined && (tlsCert === undefined || tlsKey === undefined)) {
    throw invalid('mqttsPort', 'the configuration', 'tlsCert and tlsKey beside it')
  }
  const isLoopback = host === 'localhost' || host === '::1' || host.startsWith('127.')
  if (!isLoopback && !allowPlain) {
    throw invalid(
      'host',
      'the configuration',
      'a loopback address, or --allow-plain for plain MQTT on others',
    )
  }
  const given = new Set(config.roles.split(',').map((role) => role.trim()))
  const unknown = [...given].find((role) => !allRoles.includes(role))
  if (unknown !== undefined)
    throw invalid('roles', 'the configuration', `broker, ingest, rules or http, not ${unknown}`)
  if (given.size < allRoles.length)
    throw invalid('roles', 'the configuration', 'all of broker, ingest, rules and http: none runs alone yet')
}

function invalid(key: string, source: string, expected: string): TidemarkError {
  return new TidemarkError('TIDEMARK_CONFIG_INVALID', `${key} (${source}): expected ${expected}`, {
    exitCode: 2,
  })
}
