import { commandStatuses } from '../domain/command.ts'
import { anonymousMemoryBytes } from '../lib/anonymous-memory.ts'
import { counters, type LogStats } from '../log/log.ts'
import type { AlarmFigures } from '../rules/alarm-figures.ts'
import { consumerLags, messageLedger } from './ledger.ts'

interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly values: readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[]
}

const webhookOutcomes = ['delivered', 'failed', 'dead', 'dropped'] as const

/** Counters and gauges that live in the log, in the Prometheus text format 0.0.4; all from one `stats`, so they agree. */
export function logMetrics(
  stats: LogStats,
  live: {
    readonly connectedDevices: number
    readonly storeUp: boolean
    readonly disk: { readonly freeBytes: number; readonly totalBytes: number } | undefined
  },
): string {
  const ledger = messageLedger(stats)
  const anonymousBytes = anonymousMemoryBytes()
  const events = Object.entries(stats.counters).filter(([name]) => name.startsWith('events:'))
  const families: Family[] = [
    counter('tidemark_messages_acknowledged_total', 'Messages in the log', single(ledger.acknowledged)),
    counter(
      'tidemark_readings_stored_total',
      'Readings that the database took',
      single(ledger.readingsStored),
    ),
    counter(
      'tidemark_messages_stored_total',
      'Messages whose readings are all in the database',
      single(ledger.stored),
    ),
    counter(
      'tidemark_messages_dead_lettered_total',
      'Messages that could not be stored',
      Object.entries(ledger.deadLetteredByReason).map(([reason, count]) => [{ reason }, count]),
    ),
    gauge(
      'tidemark_messages_pending',
      'Messages on their way from the log to the database',
      single(ledger.pending),
    ),
    gauge(
      'tidemark_log_bytes',
      'Bytes of records in the log',
      Object.entries(stats.streams).map(([stream, { bytes }]) => [{ stream }, bytes]),
    ),
    gauge(
      'tidemark_log_waiting_bytes',
      'Bytes of records in the log that a consumer has yet to read',
      Object.entries(stats.streams).map(([stream, { waitingBytes }]) => [{ stream }, waitingBytes]),
    ),
    gauge(
      'tidemark_consumer_lag',
      'Entries that a consumer has yet to read',
      consumerLags(stats).map(({ name, lag }) => [{ consumer: name }, lag]),
    ),
    gauge('tidemark_connected_devices', 'Devices with an MQTT connection', single(live.connectedDevices)),
    counter(
      'tidemark_events_total',
      'Events written',
      events.map(([name, count]) => {
        const [, eventClass = '', severity = '', state = ''] = name.split(':')
        return [{ class: eventClass, severity, state }, count]
      }),
    ),
    counter(
      'tidemark_webhook_deliveries_total',
      'Events delivered to webhooks, attempts that failed, events given up and, of those, dropped',
      webhookOutcomes.map((outcome) => [
        { outcome },
        stats.counters[counters.webhookDeliveries(outcome)] ?? 0,
      ]),
    ),
    counter(
      'tidemark_commands_total',
      'Commands to devices that came to a status',
      commandStatuses.map((status) => [{ status }, stats.counters[counters.commands(status)] ?? 0]),
    ),
    counter(
      'tidemark_command_responses_ignored_total',
      'Answers of devices to commands that are not open',
      single(stats.counters[counters.commandResponsesIgnored] ?? 0),
    ),
    counter(
      'tidemark_rule_evaluations_total',
      'Values judged by a rule',
      single(stats.counters['rules.evaluations'] ?? 0),
    ),
    // The name that Prometheus' own client libraries use.
    gauge(
      'process_resident_memory_bytes',
      'Resident memory of the process',
      single(process.memoryUsage.rss()),
    ),
    gauge(
      'tidemark_memory_anonymous_bytes',
      'Memory that is the process’s own: neither programs nor mapped files, which the kernel takes back',
      anonymousBytes === undefined ? [] : single(anonymousBytes),
    ),
    gauge(
      'tidemark_disk_free_bytes',
      'Room on the disk of the data directory',
      live.disk === undefined ? [] : single(live.disk.freeBytes),
    ),
    gauge(
      'tidemark_disk_size_bytes',
      'Size of the disk of the data directory',
      live.disk === undefined ? [] : single(live.disk.totalBytes),
    ),
    gauge('tidemark_store_up', '1 while the database takes readings', single(live.storeUp ? 1 : 0)),
  ]
  return families.map(format).join('')
}

/** ISA-18.2 figures of the alarms, in the same format. */
export function alarmMetrics(figures: AlarmFigures): string {
  const { standingBySeverity, unacknowledged, shelved, lastTenMinutes, flood } = figures
  const families: Family[] = [
    gauge(
      'tidemark_alarms_standing',
      'Alarms that are up',
      Object.entries(standingBySeverity).map(([severity, count]) => [{ severity }, count]),
    ),
    gauge('tidemark_alarms_unacknowledged', 'Alarms that nobody has acknowledged', single(unacknowledged)),
    gauge('tidemark_alarms_shelved', 'Alarms that are shelved', single(shelved)),
    gauge(
      'tidemark_alarms_chattering',
      'Alarms raised three times or more within a minute of the last ten',
      single(lastTenMinutes.chattering),
    ),
    gauge(
      'tidemark_alarms_per_ten_minutes',
      'Alarms raised in the last ten minutes',
      single(lastTenMinutes.raised),
    ),
    gauge(
      'tidemark_alarm_flood',
      '1 from over 10 alarms in ten minutes until under 5',
      single(flood.active ? 1 : 0),
    ),
  ]
  return families.map(format).join('')
}

function single(value: number): Family['values'] {
  return [[{}, value]]
}

function counter(name: string, help: string, values: Family['values']): Family {
  return { name, help, type: 'counter', values }
}

function gauge(name: string, help: string, values: Family['values']): Family {
  return { name, help, type: 'gauge', values }
}

function format({ name, help, type, values }: Family): string {
  const lines = values.map(([labels, value]) => {
    const shown = Object.entries(labels).map(([label, text]) => `${label}="${text.replace(/[\\"\n]/g, '_')}"`)
    return `${name}${shown.length === 0 ? '' : `{${shown.join(',')}}`} ${value}\n`
  })
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`
}
