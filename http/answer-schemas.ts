import { z } from 'zod'
import { commandStatuses } from '../domain/command.ts'

/**
 * What successful answers look like, for `/openapi.json` alone: nothing that is sent passes through these, so that they cost no
 * request anything and change no answer (docs/decisions/0034). The tests of the API hold every answer they get against them.
 */
const time = z.string().meta({ format: 'date-time' })
const value = z.union([z.number(), z.boolean(), z.string()])
const severity = z.enum(['critical', 'major', 'minor', 'warning', 'info'])
const eventClass = z.enum(['maintenance', 'health'])
const bySeverity = z.record(z.string(), z.number())
const labels = z.record(z.string(), z.string())
const ids = z.array(z.string())
const rows = z.array(z.record(z.string(), value))
const listOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() })

const device = z.object({
  id: z.string(),
  type: z.string(),
  labels,
  createdAt: time,
  online: z.boolean(),
  lastSeenAt: time.nullable(),
})
const credentials = z.object({ username: z.string(), password: z.string() })

const metric = z.object({
  unit: z.string().optional(),
  kind: z.enum(['gauge', 'counter', 'state']),
  type: z.enum(['number', 'boolean', 'string']).optional(),
  min: z.number().optional(),
  max: z.number().optional(),
})
const profile = z.object({
  type: z.string(),
  strict: z.boolean(),
  tags: ids,
  expectedInterval: z.string().optional(),
  metrics: z.record(z.string(), metric),
})

/** Its condition has a shape for each kind: docs/RULES.md. */
const ruleFields = {
  id: z.string(),
  name: z.string(),
  enabled: z.boolean(),
  class: eventClass,
  severity,
  select: z.object({ types: ids, labels, devices: ids }),
  when: z.looseObject({ kind: z.string() }),
  for: z.unknown(),
  message: z.string().optional(),
  actions: z.array(z.object({ kind: z.literal('webhook'), url: z.string() })).optional(),
}
const rule = z.looseObject({
  ...ruleFields,
  version: z.number(),
  createdAt: time,
  updatedAt: time,
  updatedBy: z.string().optional(),
})
/** Its rules as they would be made, with what is left out at its default, and the source of each limit in `labels.standard`. */
const rulePack = z.object({
  name: z.string(),
  description: z.string(),
  standards: ids,
  rules: z.array(
    z.looseObject({
      id: z.string(),
      name: z.string(),
      description: z.string(),
      class: eventClass,
      severity,
      labels,
    }),
  ),
})
const changes = z.object({
  created: ids,
  updated: z.array(z.object({ id: z.string(), changes: z.array(z.looseObject({})) })),
  unchanged: ids,
  deleted: ids,
})

const changed = changes.pick({ created: true, unchanged: true }).extend({ updated: ids })

const comment = z.object({ text: z.string(), by: z.string(), at: time })
const threshold = z.union([value, z.array(z.number())])
const alarm = z.object({
  id: z.string(),
  rule: z.string(),
  ruleVersion: z.number(),
  device: z.string(),
  class: eventClass,
  severity,
  condition: z.enum(['active', 'recovering', 'normal']),
  acknowledged: z.boolean(),
  acknowledgedAt: time.nullable(),
  acknowledgedBy: z.string().nullable(),
  since: time,
  raisedAt: time,
  clearedAt: time.nullable(),
  value: value.optional(),
  threshold: threshold.optional(),
  message: z.string(),
  shelvedUntil: time.nullable(),
  comments: z.array(comment),
})
const episode = z.object({
  alarm: z.string(),
  rule: z.string(),
  ruleVersion: z.number(),
  device: z.string(),
  class: eventClass,
  severity,
  since: time,
  raisedAt: time,
  clearedAt: time,
  durationMs: z.number(),
  acknowledgedAt: time.nullable(),
  acknowledgedBy: z.string().nullable(),
  comments: z.array(comment),
  value: value.optional(),
  threshold: threshold.optional(),
  message: z.string(),
  reason: z.string().optional(),
})

const event = z.object({
  specversion: z.literal('1.0'),
  id: z.string(),
  source: z.string(),
  type: z.string(),
  subject: z.string(),
  time,
  sequence: z.string(),
  datacontenttype: z.literal('application/json'),
  data: z.object({
    alarm: z.string(),
    rule: z.string(),
    ruleVersion: z.number(),
    device: z.string(),
    deviceType: z.string(),
    class: eventClass,
    severity,
    state: z.enum(['raised', 'escalated', 'cleared', 'acknowledged', 'shelved']),
    message: z.string(),
    value: value.optional(),
    threshold: threshold.optional(),
    since: time,
    received: time.optional(),
    recorded: time,
    evidence: rows,
    reason: z.string().optional(),
  }),
})
const deadLetter = z.object({
  id: z.string(),
  receivedAt: time,
  device: z.string(),
  topic: z.string(),
  stage: z.enum(['decode', 'validate', 'store']),
  reason: z.string(),
  detail: z.string(),
  payload: z.string(),
  encoding: z.enum(['utf8', 'base64']),
})

const commandStatus = z.enum(commandStatuses)
const command = z.object({
  id: z.string(),
  device: z.string(),
  name: z.string(),
  payload: z.unknown(),
  status: commandStatus,
  createdAt: time,
  createdBy: z.string(),
  expiresAt: time,
  history: z.array(z.object({ status: commandStatus, at: time })),
  response: z.unknown(),
})

const role = z.enum(['read', 'operate', 'admin'])
const token = z.object({ id: z.string(), name: z.string(), role, expiresAt: time.nullable() })
const auditEntry = z.object({
  id: z.string(),
  time,
  actor: token.omit({ expiresAt: true }),
  address: z.string(),
  requestId: z.string(),
  operation: z.string(),
  action: z.string(),
  target: z.object({ kind: z.string(), id: z.string().nullable() }),
  outcome: z.enum(['done', 'refused']),
  details: z.looseObject({}),
})
const maintenanceWindow = z.object({
  id: z.string(),
  select: ruleFields.select,
  from: time,
  to: time,
  reason: z.string(),
})
const reading = z.object({ time, values: z.record(z.string(), value) })
const webhook = z.object({
  id: z.string(),
  rule: z.string().optional(),
  url: z.string(),
  classes: ids,
  severities: ids,
  rules: ids,
  waiting: z.number(),
  deadDeliveries: z.number(),
  failing: z.object({ since: time, detail: z.string() }).nullable(),
})
/** A record of Zod's would lose `__proto__`, which a label's value may be. */
const numberByGroup = z.unknown().meta({ type: 'object', additionalProperties: { type: 'number' } })
const leftOut = { late: z.number(), bounds: ids }
const ranked = z.array(z.object({ device: z.string(), value: z.number(), time }))

/** By the name under which the document lists them. */
export const answerSchemas = {
  Device: device,
  DeviceList: listOf(device),
  DeviceWithCredentials: z.object({ device, credentials }),
  DeviceConnection: z.object({
    host: z.string(),
    port: z.number(),
    tls: z.boolean(),
    username: z.string(),
    clientId: z.string(),
    topic: z.string(),
    payload: z.record(z.string(), value),
    mosquittoPub: z.string(),
    node: z.string(),
    python: z.string(),
  }),
  Command: command,
  CommandList: listOf(command),
  LatestValues: z.object({
    device: z.string(),
    values: z.record(z.string(), z.object({ value, time, unit: z.string().nullable() })),
  }),
  ReadingList: listOf(reading),
  DeviceReadingList: listOf(reading.extend({ device: z.string() })),
  Profile: profile,
  ProfileList: listOf(profile),
  Rule: rule,
  RuleList: listOf(rule),
  RuleSet: z.object({ rules: z.array(z.looseObject(ruleFields)) }),
  RuleSetChanges: changes,
  RulesInstalled: z.object({ installed: ids, unchanged: ids, kept: ids }),
  RulePackList: listOf(rulePack.extend({ rules: ids })),
  RulePack: rulePack,
  RuleValid: z.object({ valid: z.literal(true), metrics: ids.optional(), rules: z.number().optional() }),
  RuleTested: z.object({
    transitions: z.array(
      z.object({
        id: z.string(),
        device: z.string(),
        transition: z.enum(['raised', 'escalated', 'cleared']),
        time,
        since: time,
        severity,
        value: value.optional(),
        threshold: threshold.optional(),
        message: z.string(),
        evidence: rows,
      }),
    ),
    evaluated: z.number(),
    truncated: z.boolean(),
  }),
  Alarm: alarm,
  AlarmList: listOf(alarm),
  AlarmEpisodeList: listOf(episode),
  Exported: z.object({
    profiles: z.array(profile),
    devices: z.array(device.pick({ id: true, type: true, labels: true })),
    rules: z.array(z.looseObject(ruleFields)),
  }),
  Imported: z.object({
    profiles: changed,
    devices: changed,
    rules: changes,
    credentials: z.array(credentials),
  }),
  Event: event,
  EventList: listOf(event),
  DeadLetterList: listOf(deadLetter),
  DeadLettersReplayed: z.object({
    replayed: z.number(),
    failed: z.array(z.object({ id: z.string(), reason: z.string() })),
    more: z.boolean().optional(),
  }),
  MaintenanceWindow: maintenanceWindow,
  MaintenanceWindowList: listOf(maintenanceWindow),
  Token: token,
  TokenList: listOf(token),
  TokenWithSecret: token.extend({ token: z.string() }),
  AuditEntryList: listOf(auditEntry),
  Webhook: webhook,
  WebhookList: listOf(webhook),
  WebhookTested: z.object({
    delivered: z.boolean(),
    status: z.number().optional(),
    detail: z.string().optional(),
    durationMs: z.number(),
  }),
  DeadDeliveryList: listOf(
    z.object({
      id: z.string(),
      event,
      attempts: z.number(),
      reason: z.enum(['age', 'gone', 'backlog']),
      detail: z.string(),
      deadAt: time,
    }),
  ),
  LiveSeries: listOf(z.object({ time, values: numberByGroup, closed: z.boolean() })).extend(leftOut),
  LiveTop: z.object({ highest: ranked, lowest: ranked, ...leftOut }),
  PartList: z.object({
    items: z.array(z.object({ name: z.string(), restarts: z.number(), startedAt: time, lag: z.number() })),
  }),
  Stats: z.object({
    messages: z.object({
      acknowledged: z.number(),
      stored: z.number(),
      deadLettered: z.number(),
      pending: z.number(),
      perSecond: z.number(),
    }),
    devices: z.object({ total: z.number(), online: z.number() }),
    alarms: z.looseObject({
      standing: z.number(),
      standingBySeverity: bySeverity,
      unacknowledged: z.number(),
    }),
    consumers: z.array(z.object({ name: z.string(), lag: z.number() })),
    store: z.looseObject({ kind: z.string(), up: z.boolean() }),
    disk: z.object({ freeBytes: z.number(), totalBytes: z.number() }).nullable(),
  }),
  PartRestarted: z.object({ part: z.string(), restarts: z.number() }),
  Alive: z.object({ status: z.literal('ok') }),
  Ready: z.object({ status: z.literal('ok'), store: z.looseObject({ kind: z.string(), up: z.boolean() }) }),
} as const

/** RFC 9457, with `code`, `requestId` and `errors` of ours. */
export const problemSchema = z.object({
  type: z.string().meta({ format: 'uri-reference' }),
  title: z.string(),
  status: z.number(),
  code: z.string(),
  detail: z.string(),
  requestId: z.string(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
})
