import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { WriteHold } from './backup/write-hold.ts'
import { Broker } from './broker/broker.ts'
import { CommandDelivery } from './commands/command-delivery.ts'
import { CommandTable, removeCommands } from './commands/command-table.ts'
import type { Config } from './config.ts'
import { EventDelivery } from './events/event-delivery.ts'
import { WebhookDelivery } from './events/webhook-delivery.ts'
import { webhookLimits } from './events/webhook-limits.ts'
import { builtDashboardDir } from './http/built-dashboard.ts'
import { messageLedger } from './http/ledger.ts'
import { parseNetworks } from './lib/address-guard.ts'
import { delay, wallClock } from './lib/clock.ts'
import { diskSpace } from './lib/disk-space.ts'
import { messageOf, TidemarkError } from './lib/errors.ts'
import { killOwnProcess } from './lib/kill-own-process.ts'
import { createLogger, type Logger } from './lib/logger.ts'
import { createMetrics } from './lib/metrics.ts'
import { exitOnUnhandledRejection } from './log/commit-failures.ts'
import { lockDataDir } from './log/data-dir-lock.ts'
import { dataFormat } from './log/data-format.ts'
import { type LmdbLog, openLmdbLog } from './log/lmdb-log.ts'
import { Retention } from './log/retention.ts'
import { AllWebhooks } from './registry/all-webhooks.ts'
import { DeviceRegistry, newSecret } from './registry/device-registry.ts'
import { ProfileRegistry } from './registry/profile-registry.ts'
import { TokenRegistry } from './registry/token-registry.ts'
import { WebhookRegistry } from './registry/webhook-registry.ts'
import { PlatformAlarms } from './rules/platform-alarms.ts'
import { platformFigures } from './rules/platform-figures.ts'
import { upgradeRows } from './rules/rows-upgrade.ts'
import { RuleRegistry } from './rules/rule-registry.ts'
import type { StoreConfig } from './storage/open-store.ts'
import type { StoreStatus } from './storage/storage-writer.ts'
import { Backtests } from './threads/backtests.ts'
import { Parts } from './threads/parts.ts'
import { Thread } from './threads/thread.ts'

/** Where a running platform is met. */
export interface Platform {
  readonly mqttUrl: string
  readonly httpUrl: string
  readonly adminToken: string
  /** Takes the certificates of TLS from their files anew. Throws TIDEMARK_TLS_FILES, and what was in use stays. */
  reloadCertificates(): void
  /**
   * Stops the parts in the order in which data flows, each once it has handed on what it holds; `stopping` is told the name of each.
   * When it resolves, no thread is left.
   */
  stop(stopping?: (part: string) => void): Promise<void>
}

/** A part that runs. */
interface Stoppable {
  stop(): Promise<unknown>
}

const drainMsMax = 5_000
/** 5 s in which the broker waits for a disk that is full, `drainMsMax`, 2 s for the write in hand, and some for the rest. */
const stopMsMax = 15_000
/** By how much a heap may grow before V8 collects it; left alone it lets heaps of this size double and more (docs/PERFORMANCE.md, "Memory"). */
const heapGrowthPercent = 25
/** npm passes a Ctrl-C on that the terminal has sent already: within this time the two count once. */
const sameSignalMs = 2_000

/**
 * Builds every part in the order in which data flows (log, registry, broker, threads of ingest, storage and rules, HTTP) and
 * stops them in that order too: nothing is taken in that has nowhere to go, and for the broker that is the log. Where it rejects, no thread is left.
 */
export async function startPlatform(
  config: Config,
  logger: Logger,
  onFailure: (error: Error) => void,
): Promise<Platform> {
  const begun: Promise<Stoppable>[] = []
  const begin = <Part extends Stoppable>(part: Promise<Part>) => {
    begun.push(part)
    return part
  }
  try {
    return await startParts(config, logger, onFailure, begin)
  } catch (error) {
    // One that did not start is the error, or has ended as well.
    const stopped = begun.map((starting) =>
      starting.then(
        (part) => part.stop(),
        () => undefined,
      ),
    )
    await orKilled(Promise.all(stopped), logger, () => `parts of a start that failed: ${messageOf(error)}`)
    throw error
  }
}

async function startParts(
  config: Config,
  logger: Logger,
  onFailure: (error: Error) => void,
  begin: <Part extends Stoppable>(part: Promise<Part>) => Promise<Part>,
): Promise<Platform> {
  const clock = wallClock
  const metrics = createMetrics()
  const unlock = lockDataDir(config.dataDir)
  const logPath = join(config.dataDir, 'log')
  const log = await openLmdbLog({ path: logPath, logBytesMax: config.logBytesMax })
  if (log.format !== dataFormat) {
    await upgradeRows(log)
    await log.markFormat()
  }
  const retention = new Retention({ log, logger })
  const adminToken = config.adminToken ?? keptAdminToken(config.dataDir)

  const devices = new DeviceRegistry(log, clock, (tx, id) => {
    removeCommands(tx, id)
    tx.remove('received-times', id)
  })
  devices.load()
  const profiles = new ProfileRegistry(log)
  const tokens = new TokenRegistry(log, clock, adminToken)
  const rules = new RuleRegistry(log, clock)
  const policy = {
    allowHttp: config.webhookAllowHttp,
    networks: parseNetworks(config.webhookAllowNetworks ?? '') ?? [],
  }
  const webhooks = new WebhookRegistry(log, policy)

  let store: StoreStatus = { up: true }
  const settings = {
    logPath,
    doorbell: log.doorbell.memory,
    logLevel: config.logLevel,
    store: storeConfig(config),
    rulePairsMax: config.rulePairsMax,
  }
  const dataEvents = {
    onFailure,
    onStoreStatus: (status: StoreStatus) => {
      store = status
      if (status.writeSeconds !== undefined) metrics.storeWriteSeconds.observe(status.writeSeconds)
    },
  }
  // At once: each loads a few hundred files, and so does the server of HTTP, on a core of its own where there is one.
  const loading = Promise.all([
    begin(Thread.start('data-thread', settings, dataEvents)),
    begin(Thread.start('rules-thread', settings, { onFailure })),
    import('./http/http-server.ts'),
  ])
  // Told below, where it is waited for.
  loading.catch(() => undefined)

  const { tlsCert, tlsKey, tlsCa } = config
  const tls =
    tlsCert !== undefined && tlsKey !== undefined ? { cert: tlsCert, key: tlsKey, ca: tlsCa } : undefined
  const broker = new Broker({
    ...config,
    mqttsPort: config.mqttsPort,
    tls,
    log,
    devices,
    tokens,
    clock,
    logger,
    metrics,
  })
  devices.onChange((change, id) => {
    if (change === 'removed' || change === 'secret') broker.connections.disconnect(id)
  })
  const commandDelivery = new CommandDelivery({
    log,
    clock,
    logger,
    send: (device, message) => broker.send(device, message),
  })
  broker.onListening(commandDelivery.deliver)
  // Devices need the log alone: what they send waits there for the threads.
  const { port: mqttPort, tlsPort } = await begin(
    broker.start().then((ports) => ({ ...ports, stop: () => broker.stop() })),
  )
  const [data, rulesThread, { createHttpServer }] = await loading
  retention.start()

  const delivery = new EventDelivery({
    log,
    clock,
    logger,
    metrics,
    publish: (topic, payload) => broker.publish(topic, payload, 1),
  })
  const webhookDelivery = new WebhookDelivery({
    ...{ log, clock, logger, policy },
    webhooks: new AllWebhooks(webhooks, rules),
  })
  const figures = platformFigures(log, { ...config, webhookBacklogMax: webhookLimits.backlogMax })
  const platformAlarms = new PlatformAlarms({ log, clock, logger, figures })
  const backtests = new Backtests()
  const backupHold = new WriteHold({ log, logger, retention, store: data.store })
  const http = await createHttpServer({
    log,
    clock,
    logger,
    metrics,
    devices,
    profiles,
    tokens,
    rules,
    webhooks,
    webhookSender: webhookDelivery,
    commands: new CommandTable(log),
    store: data.store,
    parts: new Parts({ log, clock, threads: { data, rules: rulesThread } }),
    backtests,
    backupHold,
    storeStatus: () => ({ kind: config.store, ...store }),
    diskSpace: () => diskSpace(config.dataDir),
    connections: broker.connections,
    mqttPorts: { plain: mqttPort, tls: tlsPort },
    republish: broker.republish,
    dashboardDir: builtDashboardDir,
  })
  const { port: httpPort } = await http.listen(config.host, config.httpPort)
  broker.attach(http.server)
  delivery.start()
  commandDelivery.start()
  webhookDelivery.start()
  platformAlarms.start()

  return {
    mqttUrl: `mqtt://${config.host}:${mqttPort}`,
    httpUrl: `http://${config.host}:${httpPort}`,
    adminToken,
    reloadCertificates: () => broker.reloadCertificates(),
    stop: async (stopping = () => undefined) => {
      const steps: readonly (readonly [string, () => Promise<void>])[] = [
        ['backup', async () => backupHold.stop()],
        ['alarms of the platform', () => platformAlarms.stop()],
        // Before those leave whom it tells: what comes from here on is told after the next start.
        ['delivery of events', () => delivery.stop()],
        ['webhooks', () => webhookDelivery.stop()],
        ['commands', () => commandDelivery.stop()],
        ['broker', () => broker.stop()],
        ['draining', () => drained(log, () => store.up)],
        ['tests of rules', () => backtests.stop()],
        ['http', () => http.close()],
        ['data', () => data.stop()],
        ['rules', () => rulesThread.stop()],
        ['retention', () => retention.stop()],
        ['log', () => log.close()],
      ]
      for (const [part, stop] of steps) {
        stopping(part)
        await stop()
      }
      unlock()
    },
  }
}

/** Runs the platform until a signal or a failure ends it; resolves with the exit code. */
export async function runPlatform(config: Config): Promise<number> {
  // What LMDB and DuckDB make is for this user alone, also in a folder that others may read.
  process.umask(0o077)
  setFlagsFromString(`--heap-growing-percent=${heapGrowthPercent}`)
  const logger = createLogger(config.logLevel, { part: 'platform' })
  let hasFailed = false
  let fail: (error: Error) => void = () => undefined
  const failed = new Promise<void>((resolve) => {
    fail = (error) => {
      logger.fatal({ code: 'TIDEMARK_FAILED', err: error }, 'a part failed')
      hasFailed = true
      resolve()
    }
  })
  exitOnUnhandledRejection((reason) => fail(reason instanceof Error ? reason : new Error(messageOf(reason))))
  const platform = await startPlatform(config, logger, (error) => fail(error))
  const interrupted = interruption(logger)
  if (config.mqttsPort !== undefined) process.on('SIGHUP', () => reloadCertificates(platform, logger))
  process.stdout.write(banner(platform, config))
  const demo = config.demo ? startDemo(platform, logger) : undefined
  await Promise.race([interrupted, failed])
  logger.info('stopping')
  let part = 'demo fleet'
  const stopped = async () => {
    await demo?.stop()
    await platform.stop((next) => {
      part = next
    })
  }
  await orKilled(stopped(), logger, () => part)
  process.exit(hasFailed ? 1 : 0)
}

/**
 * Resolves when all has stopped, so that the exit of the process joins no thread. Where something does not stop it says of which
 * `part` and kills the process.
 */
async function orKilled(stopped: Promise<unknown>, logger: Logger, part: () => string): Promise<void> {
  const late = delay(stopMsMax).then(() => Promise.reject(new Error(`not within ${stopMsMax / 1000} s`)))
  try {
    await Promise.race([stopped, late])
  } catch (error) {
    const failure = { code: 'TIDEMARK_STOP', stopping: part(), detail: messageOf(error) }
    logger.fatal(failure, 'a part did not stop: killing the process')
    killOwnProcess()
  }
}

function startDemo(platform: Platform, logger: Logger): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const running = import('./simulators/demo-fleet.ts')
    .then(({ runDemoFleet }) => runDemoFleet({ ...platform, signal: stopping.signal }))
    .catch((error) =>
      logger.error({ code: 'TIDEMARK_DEMO', detail: messageOf(error) }, 'the demo fleet stopped'),
    )
  return {
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}

function interruption(logger: Logger): Promise<void> {
  return new Promise((resolve) => {
    let firstAt: number | undefined
    const onSignal = () => {
      const now = performance.now()
      if (firstAt === undefined) {
        firstAt = now
        resolve()
      } else if (now - firstAt > sameSignalMs) {
        logger.warn({ code: 'TIDEMARK_FORCED' }, 'forced to end: killing the process')
        killOwnProcess()
      }
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}

/** As Mosquitto and nginx do on SIGHUP. */
function reloadCertificates(platform: Platform, logger: Logger): void {
  try {
    platform.reloadCertificates()
    logger.info('certificates were read again')
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error
    logger.error({ code: error.code, detail: error.message }, 'the certificates in use stay')
  }
}

function banner({ httpUrl, mqttUrl, adminToken }: Platform, config: Config): string {
  return [
    '',
    'Tidemark is running',
    `  Dashboard    ${httpUrl}/`,
    `  MQTT         ${mqttUrl}`,
    `  Admin token  ${config.adminToken === undefined ? adminToken : '(as configured)'}`,
    `  Data         ${config.dataDir}`,
    '',
    '',
  ].join('\n')
}

function keptAdminToken(dataDir: string): string {
  const file = join(dataDir, 'admin-token')
  try {
    writeFileSync(file, `${newSecret()}\n`, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  chmodSync(file, 0o600)
  return readFileSync(file, 'utf8').trim()
}

function storeConfig(config: Config): StoreConfig {
  if (config.store === 'duckdb') {
    const path = join(config.dataDir, 'readings.duckdb')
    return { kind: 'duckdb', path, memoryLimitMb: config.duckdbMemoryMb }
  }
  return {
    kind: 'influxdb',
    url: config.influxUrl,
    version: config.influxVersion,
    bucket: config.influxBucket,
    org: config.influxOrg,
    token: config.influxToken,
    username: config.influxUsername,
    password: config.influxPassword,
  }
}

/** Waits until everything acknowledged is stored, while the database takes readings, for a while. */
async function drained(log: LmdbLog, isStoreUp: () => boolean): Promise<void> {
  const until = performance.now() + drainMsMax
  while (performance.now() < until && isStoreUp() && messageLedger(log.stats()).pending > 0) await delay(20)
}
