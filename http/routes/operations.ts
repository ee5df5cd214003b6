import { AlarmFigureMeter } from '../../rules/alarm-figures.ts'
import type { Api } from '../api.ts'
import { asyncApiDocument } from '../asyncapi.ts'
import { docsPage } from '../docs-page.ts'
import { sendPage } from '../html-page.ts'
import type { HttpDeps } from '../http-deps.ts'
import { consumerLags, messageLedger, RateMeter } from '../ledger.ts'
import { sendProblem } from '../problem.ts'
import { alarmMetrics, logMetrics } from '../prometheus.ts'
import { reachedHost } from '../reached-host.ts'

/** Statistics, metrics, health and the description of the API. */
export function operationRoutes(app: Api, deps: HttpDeps): void {
  const { log, clock, connections, devices, diskSpace, storeStatus, metrics, mqttPorts } = deps
  const rate = new RateMeter(log)
  const alarms = new AlarmFigureMeter(log, clock)

  app.get('/api/v1/stats', { config: { role: 'read' } }, async () => {
    const figures = await alarms.figures()
    const stats = log.stats()
    const { acknowledged, stored, deadLettered, pending } = messageLedger(stats)
    return {
      messages: { acknowledged, stored, deadLettered, pending, perSecond: rate.perSecond(acknowledged) },
      devices: { total: devices.size, online: connections.count() },
      alarms: figures,
      consumers: consumerLags(stats),
      store: storeStatus(),
      disk: diskSpace() ?? null,
    }
  })

  app.get('/metrics', async (_request, reply) => {
    const live = { connectedDevices: connections.count(), storeUp: storeStatus().up, disk: diskSpace() }
    const figures = await alarms.figures()
    const text = logMetrics(log.stats(), live) + alarmMetrics(figures) + (await metrics.registry.metrics())
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text)
  })

  app.get('/livez', async () => ({ status: 'ok' }))

  // Ready means that messages are acknowledged; with the database away they still are.
  app.get('/readyz', async (_request, reply) => {
    try {
      log.stats()
    } catch {
      return sendProblem(reply, 503, 'TIDEMARK_LOG_READ', 'the log cannot be read')
    }
    return { status: 'ok', store: storeStatus() }
  })

  app.get('/openapi.json', { schema: { hide: true } }, () => app.openApi())
  app.get('/asyncapi.json', { schema: { hide: true } }, async (request) => {
    const { plain, tls } = mqttPorts
    const servers = { host: reachedHost(request), mqttPort: plain, mqttsPort: tls }
    const { info } = await app.openApi()
    return asyncApiDocument(info, { ...servers, httpPort: request.port ?? 80 })
  })
  app.get('/docs', { schema: { hide: true } }, async (_request, reply) =>
    sendPage(reply, docsPage(await app.openApi())),
  )
}
