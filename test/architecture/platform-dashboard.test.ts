import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { liveMetrics } from './live-metrics.ts'
import { repositoryRoot } from './source-files.ts'

const read = (path: string) => readFileSync(join(repositoryRoot, path), 'utf8')
const filesIn = (folder: string) =>
  readdirSync(join(repositoryRoot, folder)).map((name) => join(folder, name))

interface Target {
  readonly expr?: string
}
interface Panel {
  readonly title: string
  readonly datasource: { readonly uid: string }
  readonly targets: readonly (Target & { readonly datasource: { readonly uid: string } })[]
}

const dashboards = filesIn('grafana/dashboards').map(
  (path) => JSON.parse(read(path)) as { readonly uid: string; readonly panels: readonly Panel[] },
)
const panels = dashboards.flatMap((dashboard) => dashboard.panels)
const compose = parse(read('docker-compose.yml')) as {
  readonly services: Readonly<
    Record<string, { readonly ports?: readonly string[]; readonly volumes?: readonly string[] }>
  >
}

/** Names of metrics as they are asked for, and the labels that each expression chooses or groups by. */
function namedIn(expr: string): { metrics: string[]; labels: string[] } {
  const metrics = [...expr.matchAll(/\b(?:tidemark|process)_\w+/g)].map(([name]) => name)
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(/,\s*/))
  const chosen = [...expr.matchAll(/[{,]\s*(\w+)\s*=/g)].map(([, label]) => label!)
  return { metrics, labels: [...grouped, ...chosen] }
}

test('every metric and label that a panel asks for is in the /metrics of a running server', async () => {
  const { samples: offered } = await liveMetrics()
  const expressions = panels.flatMap(({ title, targets }) =>
    targets.flatMap(({ expr }) => (expr === undefined ? [] : [{ title, ...namedIn(expr) }])),
  )
  expect(expressions.length).toBeGreaterThan(20)
  const missing = expressions.flatMap(({ title, metrics, labels }) => [
    ...metrics.filter((name) => !offered.has(name)).map((name) => `${title}: ${name}`),
    ...labels
      .filter((label) => !metrics.some((name) => offered.get(name)?.has(label)))
      .map((label) => `${title}: ${label}`),
    ...(metrics.length === 0 ? [`${title}: no metric`] : []),
  ])
  expect(missing).toEqual([])
})

test('every data source of a panel is provisioned, and dashboards have names of their own', () => {
  const sources = filesIn('grafana/provisioning/datasources').flatMap(
    (path) => (parse(read(path)) as { datasources: { uid: string; url: string }[] }).datasources,
  )
  const uids = new Set(sources.map(({ uid }) => uid))
  const asked = panels.flatMap(({ datasource, targets }) => [
    datasource.uid,
    ...targets.map((target) => target.datasource.uid),
  ])
  expect(asked.filter((uid) => !uids.has(uid))).toEqual([])
  expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(dashboards.length)
  // Each leads to a service of the composition.
  expect(
    sources.map(({ url }) => new URL(url).hostname).filter((name) => compose.services[name] === undefined),
  ).toEqual([])
})

test('Prometheus reads the file that is mounted, which names the platform and its port', () => {
  const mounted = compose.services.prometheus?.volumes?.find((volume) => volume.startsWith('./prometheus/'))
  const config = parse(read(mounted!.split(':')[0]!)) as {
    scrape_configs: { metrics_path?: string; static_configs: { targets: string[] }[] }[]
  }
  const targets = config.scrape_configs.flatMap(({ static_configs }) =>
    static_configs.flatMap(({ targets }) => targets),
  )
  const httpPort = compose.services.platform?.ports?.find((port) => port.includes(':8080:'))?.split(':')[2]
  expect(targets).toEqual([`platform:${httpPort}`])
  // Which is where the platform has them.
  expect(config.scrape_configs.map(({ metrics_path = '/metrics' }) => metrics_path)).toEqual(['/metrics'])
})
