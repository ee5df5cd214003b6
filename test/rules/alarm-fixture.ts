import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { EventRecord } from '../../domain/event.ts'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import type { Log } from '../../log/log.ts'
import { type EventFacts, toEvent } from '../../rules/alarm-events.ts'
import { AlarmTable } from '../../rules/alarm-table.ts'
import type { StoredRule } from '../../rules/rule.ts'
import { tempDir } from '../support/temp-dir.ts'

export const startMs = Date.UTC(2026, 10, 23, 12)

export const rule: StoredRule = {
  id: 'too-warm',
  name: 'Too warm',
  enabled: true,
  class: 'maintenance',
  severity: 'minor',
  select: { types: ['fridge'], labels: {}, devices: [] },
  when: { kind: 'threshold', metric: 'temperature_c', above: 8 },
  for: '0s',
  keepFor: '0s',
  escalate: [],
  wait: '0s',
  gaps: 'hold',
  suppressedBy: [],
  message: '{device} is {value} °C (limit {threshold})',
  labels: {},
  version: 3,
  createdAt: '2026-11-23T00:00:00.000Z',
  updatedAt: '2026-11-23T00:00:00.000Z',
}

export const fridge = { id: 'fridge-1', type: 'fridge', labels: {} }

/** An event of the episode that begins at `startMs`; recorded at its event time unless told. */
export function alarmEvent(
  state: EventFacts['state'],
  given: Omit<Partial<EventFacts>, 'device'> & { device?: string } = {},
): EventRecord {
  const time = given.time ?? startMs
  return toEvent({
    rule,
    state,
    time,
    since: startMs,
    ordinal: 1,
    recordedAt: time,
    metric: 'temperature_c',
    value: 9,
    threshold: 8,
    ...given,
    device: { ...fridge, id: given.device ?? fridge.id },
  })
}

/** Writes events as the rules engine does: the stream and the alarms in one transaction. */
export async function writeEvents(
  log: Log,
  events: readonly EventRecord[],
  historyMax?: number,
): Promise<void> {
  await log.transaction((tx) => {
    const table = new AlarmTable(tx, historyMax)
    for (const event of events) {
      tx.append('events', Buffer.from(JSON.stringify(event)), 1)
      table.afterEvent(event)
    }
  })
}

/** A log of its own; closed when the test ends. */
export async function openLog(): Promise<Log> {
  const log = await openLmdbLog({ path: join(tempDir(), 'log') })
  onTestFinished(() => log.close())
  return log
}
