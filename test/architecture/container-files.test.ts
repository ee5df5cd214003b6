import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { envName, loadConfig, type Option, options } from '../../config.ts'
import { repositoryRoot } from './source-files.ts'

const read = (path: string) => readFileSync(join(repositoryRoot, path), 'utf8')

interface Service {
  readonly image?: string
  readonly build?: string
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
}

const compose = parse(read('docker-compose.yml')) as {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}
const services = Object.entries(compose.services)
const platform = compose.services.platform!
const dockerfile = read('Dockerfile')
/** Instructions, with continued lines joined and comments left out. */
const instructions = dockerfile
  .replace(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))

const required = /^\$\{([A-Z_]+):\?[^}]+\}$/
const known: ReadonlySet<string> = new Set(
  (options as readonly Option[]).flatMap(({ key, isSecret }) =>
    isSecret === true ? [envName(key), `${envName(key)}_FILE`] : [envName(key)],
  ),
)

test('there are the platform, InfluxDB 2.7, Prometheus and Grafana, and each has a health check', () => {
  expect(Object.keys(compose.services)).toEqual(['platform', 'influxdb', 'prometheus', 'grafana'])
  expect(compose.services.influxdb?.image).toBe('influxdb:2.7')
  for (const [name, { healthcheck, build }] of services) {
    const checked = build === undefined ? healthcheck?.test.join(' ') : healthCheckOf(instructions)
    expect(checked, name).toMatch(/ping|health|livez/)
  }
})

test('no secret has a default: each comes from a variable that must be set', () => {
  const secrets = services.flatMap(([, { environment = {} }]) =>
    Object.entries(environment).filter(([name]) => /TOKEN|PASSWORD|SECRET/.test(name)),
  )
  expect(secrets.length).toBeGreaterThanOrEqual(5)
  expect(secrets.filter(([, value]) => !required.test(value))).toEqual([])
  const source = parse(read('grafana/provisioning/datasources/influxdb.yaml')) as {
    datasources: { secureJsonData: Record<string, string> }[]
  }
  const values = source.datasources.flatMap(({ secureJsonData }) => Object.values(secureJsonData))
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own way to name a variable.
  expect(values).toEqual(['Token ${INFLUX_TOKEN}'])
  expect(
    instructions.filter((line) => /^(ENV|ARG)/.test(line) && /TOKEN|PASSWORD|SECRET/.test(line)),
  ).toEqual([])
})

test('every port is published on loopback only', () => {
  const ports = services.flatMap(([, service]) => service.ports ?? [])
  expect(ports.length).toBeGreaterThan(0)
  expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
})

test('every volume is declared, and every file that is mounted is here', () => {
  const sources = services.flatMap(([, service]) =>
    (service.volumes ?? []).map((volume) => volume.split(':')[0]!),
  )
  const [paths, names] = [sources.filter((s) => s.startsWith('.')), sources.filter((s) => !s.startsWith('.'))]
  expect(names.sort()).toEqual(Object.keys(compose.volumes).sort())
  expect(paths.filter((path) => !existsSync(join(repositoryRoot, path)))).toEqual([])
})

describe('the configuration of the platform', () => {
  const inImage = Object.fromEntries(
    [...dockerfile.matchAll(/\b(TIDEMARK_[A-Z_]+)=(\S+)/g)].map(([, name, value]) => [name!, value!]),
  )
  const env = { ...inImage, ...platform.environment }

  test('names only options that there are', () => {
    const inHealthCheck = [...dockerfile.matchAll(/process\.env\.(TIDEMARK_[A-Z_]+)/g)].map(
      ([, name]) => name!,
    )
    const named = [...Object.keys(env), ...inHealthCheck]
    expect(named.length).toBeGreaterThan(8)
    expect(named.filter((name) => !known.has(name))).toEqual([])
  })

  test('is valid, reaches beyond the container, and keeps its data in a volume', () => {
    const filled = Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, required.test(value) ? 'given' : value]),
    )
    const config = loadConfig({ flags: {}, env: filled, cwd: '/app' })
    expect(config).toMatchObject({
      host: '0.0.0.0',
      store: 'influxdb',
      influxToken: 'given',
      adminToken: 'given',
    })
    expect(platform.volumes?.map((volume) => volume.split(':')[1])).toContain(config.dataDir)
    expect(platform.ports?.map((port) => Number(port.split(':')[2]))).toEqual([
      config.mqttPort,
      config.httpPort,
    ])
  })

  test('fits the InfluxDB beside it', () => {
    const influxdb = compose.services.influxdb?.environment ?? {}
    const ours = platform.environment ?? {}
    expect(influxdb.DOCKER_INFLUXDB_INIT_ORG).toBe(ours.TIDEMARK_INFLUX_ORG)
    expect(influxdb.DOCKER_INFLUXDB_INIT_BUCKET).toBe(ours.TIDEMARK_INFLUX_BUCKET)
    expect(influxdb.DOCKER_INFLUXDB_INIT_ADMIN_TOKEN).toBe(ours.TIDEMARK_INFLUX_TOKEN)
    expect(compose.services.grafana?.environment?.INFLUX_TOKEN).toBe(ours.TIDEMARK_INFLUX_TOKEN)
  })
})

test('the image runs as another user than root, with the dependencies that production needs and no others', () => {
  const stages = instructions
    .join('\n')
    .split(/^FROM /m)
    .slice(1)
  const last = stages.at(-1)!
  expect(stages.length).toBeGreaterThan(1)
  expect(stages.filter((stage) => !stage.startsWith('node:24-slim'))).toEqual([])
  expect(last).toMatch(/^USER node$/m)
  expect(last).not.toMatch(/npm|COPY \. /)
  const from = /COPY --from=(\w+) \/app\/node_modules/.exec(last)?.[1]
  const dependencies = stages.find((stage) => stage.includes(` AS ${from}`))
  expect(dependencies).toMatch(/npm ci --omit=dev/)
})

test('what may hold secrets or data stays out of the image', () => {
  const ignored = read('.dockerignore').split('\n')
  expect(ignored).toEqual(expect.arrayContaining(['.env', '.git', 'data', 'node_modules']))
  // What the build copies of the documents is not left out with them.
  expect(ignored.indexOf('!docs/ERRORS.md')).toBeGreaterThan(ignored.indexOf('docs'))
})

function healthCheckOf(lines: readonly string[]): string | undefined {
  return lines.find((line) => line.startsWith('HEALTHCHECK'))
}
