import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DeadLetter } from '../domain/dead-letter.ts'
import type { DeviceRecord } from '../domain/device.ts'
import type { EventRecord } from '../domain/event.ts'
import { delay } from '../lib/clock.ts'
import { TidemarkError } from '../lib/errors.ts'
import { consumers, type Log, type LogRecord, type SharedStreamName, type TableName } from '../log/log.ts'
import type { RequestAct } from './audit.ts'
import type { HttpDeps } from './http-deps.ts'
import { withinTime } from './store-answer.ts'
import { scanStream } from './stream-scan.ts'

/** What a device has sent is past every reader within this, or the purge is refused. */
const passedMsMax = 10_000
const lookMs = 20
/** Records and rows that are removed together. */
const removedMax = 500

/** The readers that make something of what a device has sent, in the order in which it passes them. */
const readers = [
  ['ingress', [consumers.ingest]],
  ['readings', [consumers.storage, consumers.rules, consumers.analytics]],
  ['events', [consumers.eventStorage, consumers.eventDelivery]],
] as const

/** Whose rows each name a device. The rules engine forgets its alarms only a moment later, and not those of rules that are gone. */
const alarmTables = ['alarms', 'alarm-history', 'alarm-requests', 'shelvings'] as const

/**
 * Removes a device with all that is kept of what it has said: readings and events in the database, its dead letters, its events, its alarms
 * and their episodes in the log. With the database away nothing is changed. From then on the device is not let in, and what it had
 * on its way is waited for. Rejects as the store does, or with TIDEMARK_STORE_TIMEOUT: then the device is still there, and the call is to be
 * repeated. False where somebody else has removed it meanwhile.
 */
export async function purgeDevice(
  deps: HttpDeps,
  { id, type }: DeviceRecord,
  act: RequestAct,
): Promise<boolean> {
  const { devices, log, store } = deps
  const purgeStore = () => withinTime(store.purge({ device: id, type }))
  await act.begin('device.purge_begun', id)
  await purgeStore()
  await devices.rotateSecret(id)
  await untilPassed(log)
  await purgeStore()
  await removeRecords<DeadLetter>(log, 'dead-letters', (letter) => letter.device === id)
  await removeRecords<EventRecord>(log, 'events', ({ data }) => data.device === id)
  for (const table of alarmTables) await removeRows(log, table, id)
  return devices.remove(id, act)
}

/** Resolves when everything that is in the log now has passed those that read it. */
async function untilPassed(log: Log): Promise<void> {
  const until = performance.now() + passedMsMax
  for (const [stream, names] of readers) {
    const end = log.end(stream)
    while (names.some((name) => log.offset(name) < end)) {
      if (performance.now() > until) {
        const message = 'what the device has sent is not stored yet: repeat the call'
        throw new TidemarkError('TIDEMARK_STORE_TIMEOUT', message)
      }
      await delay(lookMs)
    }
  }
}

async function removeRecords<Entry>(
  log: Log,
  stream: SharedStreamName,
  isOf: (entry: Entry) => boolean,
): Promise<void> {
  const select = ({ offset, value }: LogRecord) =>
    isOf(JSON.parse(value.toString()) as Entry) ? offset : undefined
  for (let from = 0; ; ) {
    const { found, next } = await scanStream(log, stream, { from }, removedMax, select)
    if (found.length > 0) {
      await log.transaction((tx) => {
        for (const offset of found) tx.removeRecord(stream, offset)
      })
    }
    if (next === undefined) return
    from = next
  }
}

async function removeRows(log: Log, table: TableName, device: string): Promise<void> {
  for (let after = ''; ; ) {
    const rows = log.entries<{ readonly device: string }>(table, { after, limit: removedMax })
    const last = rows.at(-1)
    if (last === undefined) return
    const keys = rows.flatMap(([key, row]) => (row.device === device ? [key] : []))
    if (keys.length > 0) {
      await log.transaction((tx) => {
        for (const key of keys) tx.remove(table, key)
      })
    }
    after = last[0]
    await nextTurn()
  }
}
