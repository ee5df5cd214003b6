import { posix } from 'node:path'
import { folderOf } from './source-files.ts'

/**
 * The direction of dependencies, as a table: the same that docs/ARCHITECTURE.md shows. A folder (or a file at the top) may
 * import itself and what its row names: a folder, or one file of a folder.
 */
export const folderRules: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  lib: ['domain'],
  log: ['domain', 'lib'],
  // Devices, profiles and tokens are neither the broker's nor HTTP's: docs/decisions/0008.
  registry: ['domain', 'lib', 'log'],
  broker: ['domain', 'lib', 'log'],
  ingest: ['domain', 'lib', 'log', 'registry/registry-view.ts'],
  rules: ['domain', 'lib', 'log', 'registry/registry-view.ts'],
  events: ['domain', 'lib', 'log'],
  // Neither the broker's nor HTTP's: docs/decisions/0037.
  commands: ['domain', 'lib', 'log'],
  // The port of the database, not the writer that fills it: docs/decisions/0032.
  analytics: ['domain', 'lib', 'log', 'storage/reading-store.ts'],
  storage: ['domain', 'lib', 'log'],
  // The read sides of the others, and the registries it edits; never a consumer or a store.
  http: [
    'domain',
    'lib',
    'log',
    'registry',
    'analytics/limits.ts',
    'analytics/live-series.ts',
    'commands/command-table.ts',
    'commands/limits.ts',
    'events/event-feed.ts',
    'rules/alarm-actions.ts',
    'rules/alarm-events.ts',
    'rules/alarm-figures.ts',
    'rules/alarm-table.ts',
    'rules/backtest.ts',
    'rules/maintenance-windows.ts',
    'rules/past-readings.ts',
    'rules/rule.ts',
    'rules/rule-actions.ts',
    'rules/rule-packs.ts',
    'rules/rule-registry.ts',
    'rules/rule-schema.ts',
    'rules/rule-set.ts',
    'storage/reading-store.ts',
  ],
  // The composition root of each worker thread: docs/decisions/0008.
  threads: ['domain', 'lib', 'log', 'analytics', 'ingest', 'rules', 'storage'],
  // Copies the files of the log; what a running platform does for it is given.
  backup: ['domain', 'lib', 'log'],
  simulators: ['domain', 'lib'],
  // The evaluator alone, and the engine on a log: what the bench of the rules measures.
  bench: [
    'domain',
    'lib',
    'log/lmdb-log.ts',
    'log/log.ts',
    'log/reading-batch-codec.ts',
    'ingest/batch-builder.ts',
    'rules/evaluator.ts',
    'rules/kept.ts',
    'rules/rule.ts',
    'rules/rule-registry.ts',
    'rules/rule-schema.ts',
    'rules/rules-engine.ts',
    'simulators',
  ],
  'config.ts': ['lib'],
  'platform.ts': [
    'backup/write-hold.ts',
    'config.ts',
    'domain',
    'lib',
    'log',
    'registry',
    'broker',
    'commands',
    'ingest',
    'storage',
    'rules',
    'events',
    'http',
    'threads',
    'simulators/demo-fleet.ts',
  ],
  // A backup locks the data directory where no platform has it.
  cli: ['backup', 'config.ts', 'platform.ts', 'domain', 'lib', 'log/data-dir-lock.ts', 'simulators'],
  // A client of the HTTP API like any other: docs/decisions/0033.
  dashboard: [],
  'bundle-config.ts': [],
  'vite.config.ts': [],
  'vitest.config.ts': [],
}

/** Where a package may be imported; what is in no row may be imported nowhere. `test/` may import any of them, as an oracle. */
export const packageRules: Readonly<Record<string, readonly string[]>> = {
  aedes: ['broker/aedes-broker.ts'],
  ws: ['broker'],
  'mqtt-packet': ['broker', 'simulators'],
  mqtt: ['bench', 'simulators/operator-client.ts', 'simulators/event-latency.ts'],
  lmdb: ['log'],
  msgpackr: ['log'],
  '@duckdb/node-api': ['storage'],
  // The bench has the usual do-it-yourself pipeline as a peer, written with the client as its users do.
  '@influxdata/influxdb-client': ['storage', 'bench/diy-subscriber.ts'],
  '@marcbachmann/cel-js': ['rules/cel.ts'],
  fastify: ['http'],
  '@fastify/rate-limit': ['http/request-rate.ts'],
  '@fastify/swagger': ['http'],
  'fastify-type-provider-zod': ['http'],
  'ipaddr.js': ['lib/address-guard.ts'],
  zod: ['http', 'registry', 'rules', 'simulators'],
  commander: ['cli', 'bench'],
  pino: ['lib'],
  'pino-pretty': ['lib'],
  'prom-client': ['lib'],
  'csv-parse': ['simulators'],
  luxon: ['rules', 'simulators'],
  'd3-scale': ['simulators/score/plot.ts'],
  'hdr-histogram-js': ['simulators'],
  tinyqueue: ['simulators'],
  yaml: ['cli', 'simulators/scenario.ts'],
  vitest: ['vitest.config.ts'],
  // Of the page, which is built: nothing of them is needed where the platform runs.
  preact: ['dashboard'],
  uplot: ['dashboard/components/time-chart.tsx'],
  'playwright-core': ['bench/dashboard.ts', 'bench/services/chromium.ts'],
  diff: ['dashboard/components/difference.tsx'],
  vite: ['vite.config.ts', 'bundle-config.ts'],
}

/** Only a composition root chooses the implementation of a port; the parts are given the port. */
const implementations: Readonly<Record<string, readonly string[]>> = {
  'log/lmdb-log.ts': ['platform.ts', 'threads', 'log', 'bench/rule-commit.ts'],
}

export interface Import {
  readonly target: string
  /** Erased by the compiler. */
  readonly isType: boolean
}

const statement = /^[ \t]*(?:import|export)\s+(type\s)?[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm
const sideEffect = /^[ \t]*import\s*['"]([^'"]+)['"]/gm
const call = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

/** What a source imports, re-exports included, in the order in which it stands there. */
export function importsOf(source: string): Import[] {
  const found: [at: number, Import][] = []
  const note = (match: RegExpExecArray, target: string, isType: boolean) =>
    found.push([match.index, { target, isType }])
  for (const match of source.matchAll(statement)) note(match, match[2]!, match[1] !== undefined)
  for (const match of source.matchAll(sideEffect)) note(match, match[1]!, false)
  for (const match of source.matchAll(call)) note(match, match[1]!, false)
  return found.sort(([a], [b]) => a - b).map(([, one]) => one)
}

/** Every breach of the rules in `files` (path → source), a sentence each. */
export function importProblems(files: ReadonlyMap<string, string>): string[] {
  const problems: string[] = []
  for (const [path, source] of files) {
    if (posix.basename(path) === 'index.ts') problems.push(`${path} is a barrel`)
    for (const { target } of importsOf(source)) {
      const problem = target.startsWith('.')
        ? fileProblem(path, posix.join(posix.dirname(path), target), files)
        : packageProblem(path, target)
      if (problem !== undefined) problems.push(`${path} imports ${target}: ${problem}`)
    }
  }
  return [...problems, ...cycles(files)]
}

function fileProblem(from: string, to: string, files: ReadonlyMap<string, string>): string | undefined {
  if (!files.has(to)) return 'there is no such file'
  const [folder, targetFolder] = [folderOf(from), folderOf(to)]
  if (folder === 'test') return undefined
  if (targetFolder === 'test') return 'nothing imports test'
  if (!isAmong(from, implementations[to] ?? [folder]))
    return 'only a composition root chooses an implementation'
  if (folder === targetFolder) return undefined
  const allowed = folderRules[folder]
  if (allowed === undefined) return `${folder} has no row in folderRules`
  return isAmong(to, allowed) ? undefined : `${folder} may import only ${allowed.join(', ') || 'nothing'}`
}

function packageProblem(from: string, target: string): string | undefined {
  const folder = folderOf(from)
  if (folder === 'domain') return 'domain imports nothing'
  if (folder === 'test' || target.startsWith('node:')) return undefined
  const name = target.split('/', target.startsWith('@') ? 2 : 1).join('/')
  const allowed = packageRules[name]
  if (allowed === undefined) return `${name} has no row in packageRules`
  return isAmong(from, allowed) ? undefined : `only ${allowed.join(' and ')} may`
}

function isAmong(path: string, places: readonly string[]): boolean {
  return places.includes(path) || places.includes(folderOf(path))
}

/** Files that import each other, types included: who reads one must read the other. Each cycle once. */
function cycles(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const trail: string[] = []
  const visit = (path: string) => {
    const at = trail.indexOf(path)
    if (at >= 0) found.push(`cycle: ${[...trail.slice(at), path].join(' → ')}`)
    if (at >= 0 || done.has(path)) return
    trail.push(path)
    for (const { target } of importsOf(files.get(path) ?? '')) {
      if (target.startsWith('.')) visit(posix.join(posix.dirname(path), target))
    }
    trail.pop()
    done.add(path)
  }
  for (const path of files.keys()) visit(path)
  return found
}
