import { randomBytes } from 'node:crypto'
import { type CommandRecord, type CommandStatus, hasEnded, mayFollow } from '../domain/command.ts'
import type { Act } from '../log/act.ts'
import { encodeCommandEntry } from '../log/command-codec.ts'
import { counters, type Log, type LogTransaction } from '../log/log.ts'
import { finishedMax, openMax } from './limits.ts'

export interface CommandInput {
  readonly device: string
  readonly name: string
  readonly payload: unknown
  readonly createdBy: string
  /** Unix ms. */
  readonly expiresAt: number
}

/**
 * Commands in the log's tables, by device and id: open ones, those that have ended, and open ones by the time at which they expire.
 * All of a device's are read at once: `openMax` and `finishedMax` bound them.
 */
export class CommandTable {
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /** Keeps a new command and tells the delivery; `full` where the device has `openMax`. */
  create(input: CommandInput, now: number, act?: Act): Promise<CommandRecord | 'no_device' | 'full'> {
    return this.#log.transaction((tx) => {
      const { device, expiresAt } = input
      if (tx.get('devices', device) === undefined) return 'no_device'
      if (tx.entries('commands', ofDevice(device)).length >= openMax) return 'full'
      const offset = tx.append('commands', encodeCommandEntry({ kind: 'requested', device }), 1)
      // The offset orders; the rest is for a log that was restored, whose offsets come again.
      const id = `${String(offset).padStart(12, '0')}-${randomBytes(4).toString('hex')}`
      const history = [{ status: 'queued', at: now }] as const
      const command: CommandRecord = { ...input, id, status: 'queued', history, response: null }
      tx.put('commands', keyOf(device, id), command)
      tx.put('command-expiries', expiryKey(expiresAt, device, id), true)
      tx.count(counters.commands('queued'), 1)
      act?.write(tx, 'command.sent', id, { device, name: input.name })
      return command
    })
  }

  /** Ends a command, which is then no longer sent; one that had ended is given as it is. */
  cancel(device: string, id: string, now: number, act?: Act): Promise<CommandRecord | undefined> {
    return this.#log.transaction((tx) => {
      const cancelled = changeStatus(tx, device, id, 'cancelled', now)
      if (cancelled === undefined) return tx.get('finished-commands', keyOf(device, id))
      act?.write(tx, 'command.cancelled', id, { device, name: cancelled.name })
      return cancelled
    })
  }

  find(device: string, id: string): CommandRecord | undefined {
    const key = keyOf(device, id)
    return this.#log.get('commands', key) ?? this.#log.get('finished-commands', key)
  }

  /** Those of a device, newest first. */
  list(device: string): CommandRecord[] {
    const finished = this.#log.entries<CommandRecord>('finished-commands', ofDevice(device))
    const all = [...finished.map(([, command]) => command), ...this.open(device)]
    return all.sort((a, b) => (a.id < b.id ? 1 : -1))
  }

  /** Those that have not ended, oldest first. */
  open(device: string): CommandRecord[] {
    return this.#log.entries<CommandRecord>('commands', ofDevice(device)).map(([, command]) => command)
  }

  /** Open ones whose time is over, at most `limit`. */
  due(now: number, limit: number): { readonly device: string; readonly id: string }[] {
    const due: { device: string; id: string }[] = []
    for (const [key] of this.#log.entries('command-expiries', { limit })) {
      const [expiresAt, device = '', id = ''] = key.split('/')
      if (Number(expiresAt) > now) break
      due.push({ device, id })
    }
    return due
  }
}

/**
 * Moves an open command on; undefined when it is not open or has come further. One that ends goes to those that have, and the oldest of
 * these goes. Call it at most once for a command in one transaction, whose reads see the state before it.
 */
export function changeStatus(
  tx: LogTransaction,
  device: string,
  id: string,
  status: CommandStatus,
  at: number,
  response?: unknown,
): CommandRecord | undefined {
  const key = keyOf(device, id)
  const command = tx.get<CommandRecord>('commands', key)
  if (command === undefined || !mayFollow(command.status, status)) return undefined
  const history = [...command.history, { status, at }]
  const changed: CommandRecord = { ...command, status, history, response: response ?? command.response }
  tx.count(counters.commands(status), 1)
  if (!hasEnded(status)) {
    tx.put('commands', key, changed)
    return changed
  }
  removeOpen(tx, command)
  const finished = tx.entries('finished-commands', ofDevice(device))
  for (const [oldest] of finished.slice(0, Math.max(0, finished.length + 1 - finishedMax)))
    tx.remove('finished-commands', oldest)
  tx.put('finished-commands', key, changed)
  return changed
}

/** Removes all of a device: a later one of the same id is another device. */
export function removeCommands(tx: LogTransaction, device: string): void {
  for (const [, command] of tx.entries<CommandRecord>('commands', ofDevice(device))) removeOpen(tx, command)
  for (const [key] of tx.entries('finished-commands', ofDevice(device))) tx.remove('finished-commands', key)
}

function removeOpen(tx: LogTransaction, { device, id, expiresAt }: CommandRecord): void {
  tx.remove('commands', keyOf(device, id))
  tx.remove('command-expiries', expiryKey(expiresAt, device, id))
}

/** A device's id has no `/`, so that no device's keys begin as another's. */
function keyOf(device: string, id: string): string {
  return `${device}/${id}`
}

function ofDevice(device: string) {
  return { prefix: keyOf(device, '') }
}

function expiryKey(expiresAt: number, device: string, id: string): string {
  return `${String(expiresAt).padStart(16, '0')}/${keyOf(device, id)}`
}
