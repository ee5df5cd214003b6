import { z } from 'zod'
import { answerSchemas, problemSchema } from './answer-schemas.ts'
import { summaries } from './openapi-summaries.ts'

type AnswerName = keyof typeof answerSchemas
/** Status of success, and what comes with it; nothing with 204. */
export type Answer = readonly [status: 200 | 201 | 202, name: AnswerName] | readonly [status: 204]

/** What operations answer when they succeed, under the names of `/openapi.json`; of any other it says nothing but the status 200. */
export const answers: Readonly<Record<string, Answer>> = {
  'POST /api/v1/devices': [201, 'DeviceWithCredentials'],
  'GET /api/v1/devices': [200, 'DeviceList'],
  'GET /api/v1/devices/{id}': [200, 'Device'],
  'PATCH /api/v1/devices/{id}': [200, 'Device'],
  'DELETE /api/v1/devices/{id}': [204],
  'POST /api/v1/devices/{id}/credentials': [200, 'DeviceWithCredentials'],
  'GET /api/v1/devices/{id}/connect': [200, 'DeviceConnection'],
  'GET /api/v1/devices/{id}/latest': [200, 'LatestValues'],
  'POST /api/v1/devices/{id}/commands': [201, 'Command'],
  'GET /api/v1/devices/{id}/commands': [200, 'CommandList'],
  'GET /api/v1/devices/{id}/commands/{commandId}': [200, 'Command'],
  'DELETE /api/v1/devices/{id}/commands/{commandId}': [200, 'Command'],
  'GET /api/v1/readings': [200, 'ReadingList'],
  'GET /api/v1/readings:export': [200, 'DeviceReadingList'],
  'GET /api/v1/profiles': [200, 'ProfileList'],
  'GET /api/v1/profiles/{type}': [200, 'Profile'],
  'PUT /api/v1/profiles/{type}': [200, 'Profile'],
  'DELETE /api/v1/profiles/{type}': [204],
  'POST /api/v1/rules': [201, 'Rule'],
  'GET /api/v1/rules': [200, 'RuleList'],
  'GET /api/v1/rules/{id}': [200, 'Rule'],
  'PUT /api/v1/rules/{id}': [200, 'Rule'],
  'PATCH /api/v1/rules/{id}': [200, 'Rule'],
  'DELETE /api/v1/rules/{id}': [204],
  'GET /api/v1/rules/{id}/versions': [200, 'RuleList'],
  'POST /api/v1/rules/{id}:enable': [200, 'Rule'],
  'POST /api/v1/rules/{id}:disable': [200, 'Rule'],
  'POST /api/v1/rules:validate': [200, 'RuleValid'],
  'POST /api/v1/rules:test': [200, 'RuleTested'],
  'POST /api/v1/rules:apply': [200, 'RuleSetChanges'],
  'GET /api/v1/rules:export': [200, 'RuleSet'],
  'GET /api/v1/rule-packs': [200, 'RulePackList'],
  'GET /api/v1/rule-packs/{name}': [200, 'RulePack'],
  'POST /api/v1/rules:install': [201, 'RulesInstalled'],
  'GET /api/v1/alarms': [200, 'AlarmList'],
  'GET /api/v1/alarms/{id}': [200, 'Alarm'],
  'POST /api/v1/alarms/{id}:ack': [200, 'Alarm'],
  'POST /api/v1/alarms/{id}:clear': [202, 'Alarm'],
  'POST /api/v1/alarms/{id}:shelve': [200, 'Alarm'],
  'POST /api/v1/alarms/{id}:comment': [200, 'Alarm'],
  'GET /api/v1/alarms/{id}/history': [200, 'AlarmEpisodeList'],
  'GET /api/v1/alarm-history': [200, 'AlarmEpisodeList'],
  'GET /api/v1/export': [200, 'Exported'],
  'POST /api/v1/import': [200, 'Imported'],
  'GET /api/v1/events': [200, 'EventList'],
  'GET /api/v1/dead-letters': [200, 'DeadLetterList'],
  'POST /api/v1/dead-letters:replay': [200, 'DeadLettersReplayed'],
  'POST /api/v1/maintenance-windows': [201, 'MaintenanceWindow'],
  'GET /api/v1/maintenance-windows': [200, 'MaintenanceWindowList'],
  'GET /api/v1/maintenance-windows/{id}': [200, 'MaintenanceWindow'],
  'PUT /api/v1/maintenance-windows/{id}': [200, 'MaintenanceWindow'],
  'PATCH /api/v1/maintenance-windows/{id}': [200, 'MaintenanceWindow'],
  'DELETE /api/v1/maintenance-windows/{id}': [204],
  'POST /api/v1/tokens': [201, 'TokenWithSecret'],
  'GET /api/v1/tokens': [200, 'TokenList'],
  'GET /api/v1/tokens/self': [200, 'Token'],
  'GET /api/v1/tokens/{id}': [200, 'Token'],
  'PATCH /api/v1/tokens/{id}': [200, 'Token'],
  'DELETE /api/v1/tokens/{id}': [204],
  'GET /api/v1/audit': [200, 'AuditEntryList'],
  'POST /api/v1/webhooks': [201, 'Webhook'],
  'GET /api/v1/webhooks': [200, 'WebhookList'],
  'GET /api/v1/webhooks/{id}': [200, 'Webhook'],
  'PUT /api/v1/webhooks/{id}': [200, 'Webhook'],
  'PATCH /api/v1/webhooks/{id}': [200, 'Webhook'],
  'DELETE /api/v1/webhooks/{id}': [204],
  'POST /api/v1/webhooks:test': [200, 'WebhookTested'],
  'GET /api/v1/webhooks/{id}/dead-deliveries': [200, 'DeadDeliveryList'],
  'POST /api/v1/webhooks/{id}/dead-deliveries:replay': [200, 'DeadLettersReplayed'],
  'GET /api/v1/analytics/series': [200, 'LiveSeries'],
  'GET /api/v1/analytics/top': [200, 'LiveTop'],
  'GET /api/v1/parts': [200, 'PartList'],
  'POST /api/v1/parts/{id}:restart': [202, 'PartRestarted'],
  'DELETE /api/v1/backup-hold': [204],
  'GET /api/v1/stats': [200, 'Stats'],
  'GET /livez': [200, 'Alive'],
  'GET /readyz': [200, 'Ready'],
}

interface OpenApiDocument {
  paths?: object | undefined
  components?: object | undefined
}

const componentOf = (name: string) => `#/components/schemas/${name}`
const contentOf = (mediaType: string, name: string) => ({
  content: { [mediaType]: { schema: { $ref: componentOf(name) } } },
})
const problem = { description: 'A problem (RFC 9457)', ...contentOf('application/problem+json', 'Problem') }

/** The document with what its operations do, and answer: a problem where they do not succeed. */
export function withAnswers<D extends OpenApiDocument>(document: D): D {
  const paths = Object.entries(document.paths ?? {}).map(([path, operations]) => {
    const told = Object.entries(operations as object).map(([method, operation]) => {
      const { responses } = operation as { responses?: object }
      const name = `${method.toUpperCase()} ${path}`
      const [answer, summary] = [answers[name], summaries[name]]
      const success = answer === undefined ? responses : { [answer[0]]: successOf(answer) }
      const { parameters = [] } = operation as { parameters?: readonly object[] }
      const headers = headersOf(method, path)
      const answered = {
        ...(operation as object),
        ...(headers.length > 0 && { parameters: [...parameters, ...headers] }),
        responses: { ...success, default: problem },
      }
      return [method, { ...(summary !== undefined && { summary }), ...answered }]
    })
    return [path, Object.fromEntries(told)] as const
  })
  const components = { ...document.components, schemas: componentSchemas() }
  return { ...document, paths: Object.fromEntries(paths), components }
}

const header = (name: string, description: string, required = false) => ({
  ...{ name, in: 'header', required, description, schema: { type: 'string' } },
})
const idempotencyKey = header(
  'Idempotency-Key',
  '1 to 255 visible ASCII characters: a repeat is answered as the first time',
)
const ifMatch = header('If-Match', 'the `ETag` of the rule, or `*`', true)
const lastEventId = header('Last-Event-ID', 'the last one seen: the stream goes on behind it')

/** Headers that an operation takes beside `Authorization`; the routes read them themselves, so their schemas do not name them. */
function headersOf(method: string, path: string): readonly object[] {
  if (path.endsWith('/stream')) return [lastEventId]
  if (path === '/api/v1/rules/{id}' && method !== 'get') return [ifMatch]
  // A verb follows a colon, and creates nothing.
  return method === 'post' && !path.includes(':') ? [idempotencyKey] : []
}

function successOf([, name]: Answer): object {
  return name === undefined
    ? { description: 'Done' }
    : { description: name, ...contentOf('application/json', name) }
}

function componentSchemas(): Record<string, object> {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries({ ...answerSchemas, Problem: problemSchema }))
    registry.add(schema, { id })
  // As of an input, where an object may have more fields than are named: so may answers, later.
  const { schemas } = z.toJSONSchema(registry, { io: 'input', uri: componentOf })
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema]),
  )
}
