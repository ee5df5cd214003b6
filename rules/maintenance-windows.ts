import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Device } from '../domain/device.ts'
import { isDeviceId, isDeviceType, isLabelName, isRuleId } from '../domain/names.ts'
import { changedFields } from '../lib/changed-fields.ts'
import type { Act } from '../log/act.ts'
import type { Log, LogTransaction } from '../log/log.ts'
import type { Selection } from './rule.ts'
import { ruleLimits } from './rule-limits.ts'
import { selects } from './selection.ts'

/** A time of planned work: no event is raised for the devices that it selects. */
export interface MaintenanceWindow {
  readonly id: string
  readonly select: Selection
  /** Unix ms, included. */
  readonly from: number
  /** Unix ms, not included. */
  readonly to: number
  readonly reason: string
}

/** Windows kept, past ones included until they are deleted: each is looked at for each alarm. */
export const maintenanceWindowsMax = 1_000

const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))

const select = z.strictObject({
  types: z
    .array(z.string().refine(isDeviceType, 'not a device type'))
    .max(ruleLimits.selectTypesMax)
    .default([]),
  labels: z
    .record(z.string().refine(isLabelName, 'not a label name'), z.string().max(256))
    .refine(
      (labels) => Object.keys(labels).length <= ruleLimits.labelsMax,
      `at most ${ruleLimits.labelsMax} labels`,
    )
    .default({}),
  devices: z
    .array(z.string().refine(isDeviceId, 'not a device id'))
    .max(ruleLimits.selectDevicesMax)
    .default([]),
})

const fields = {
  select: select.default({ types: [], labels: {}, devices: [] }),
  from: time,
  to: time,
  reason: z.string().max(500).default(''),
}

const isOrdered = { message: 'must be after from', path: ['to'] }

/** A window as `POST` and `PUT` take it, its times in RFC 3339. */
export const maintenanceWindowSchema = z
  .strictObject({
    id: z.string().refine(isRuleId, 'expected ^[a-z0-9][a-z0-9-]{0,63}$').optional(),
    ...fields,
  })
  .refine(({ from, to }) => from < to, isOrdered)

/** What `PATCH` takes: the fields that change. */
export const maintenanceWindowChangeSchema = z.strictObject({
  select: select.optional(),
  from: time.optional(),
  to: time.optional(),
  reason: z.string().max(500).optional(),
})

type Change = z.output<typeof maintenanceWindowChangeSchema>

export type WindowChanged =
  | { readonly outcome: 'changed'; readonly window: MaintenanceWindow }
  | { readonly outcome: 'not_found' }
  /** It would end before it begins. */
  | { readonly outcome: 'not_ordered' }

const countKey = 'maintenance-windows-count'

/** The maintenance windows, in the log's table; the rules engine follows them through its feed of changes. */
export class MaintenanceWindows {
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  get(id: string): MaintenanceWindow | undefined {
    return this.#log.get<MaintenanceWindow>('maintenance-windows', id)
  }

  /** Windows after the id `after`, in order of their ids. */
  list({ after, limit }: { after?: string | undefined; limit: number }): MaintenanceWindow[] {
    const range = after === undefined ? { limit } : { after, limit }
    return this.#log.entries<MaintenanceWindow>('maintenance-windows', range).map(([, window]) => window)
  }

  /** Keeps a new window, under an id that is made unless one is given. */
  create(
    input: z.output<typeof maintenanceWindowSchema>,
    act?: Act,
  ): Promise<
    { outcome: 'created'; window: MaintenanceWindow } | { outcome: 'exists' } | { outcome: 'full' }
  > {
    const window: MaintenanceWindow = { ...input, id: input.id ?? randomUUID() }
    return this.#log.transaction((tx) => {
      if (tx.get('maintenance-windows', window.id) !== undefined) return { outcome: 'exists' }
      const count = countOf(tx)
      if (count >= maintenanceWindowsMax) return { outcome: 'full' }
      tx.put('maintenance-windows', window.id, window)
      tx.put('meta', countKey, count + 1)
      act?.write(tx, 'maintenance_window.created', window.id)
      return { outcome: 'created', window }
    })
  }

  /** Changes what is given; the id stays. */
  change(id: string, { select, from, to, reason }: Change, act?: Act): Promise<WindowChanged> {
    return this.#log.transaction((tx) => {
      const current = tx.get<MaintenanceWindow>('maintenance-windows', id)
      if (current === undefined) return { outcome: 'not_found' }
      const window: MaintenanceWindow = {
        id,
        select: select ?? current.select,
        from: from ?? current.from,
        to: to ?? current.to,
        reason: reason ?? current.reason,
      }
      if (window.from >= window.to) return { outcome: 'not_ordered' }
      const changed = changedFields(current, window)
      if (changed.length === 0) return { outcome: 'changed', window }
      tx.put('maintenance-windows', id, window)
      act?.write(tx, 'maintenance_window.updated', id, { changed })
      return { outcome: 'changed', window }
    })
  }

  remove(id: string, act?: Act): Promise<boolean> {
    return this.#log.transaction((tx) => {
      if (tx.get('maintenance-windows', id) === undefined) return false
      tx.remove('maintenance-windows', id)
      tx.put('meta', countKey, countOf(tx) - 1)
      act?.write(tx, 'maintenance_window.deleted', id)
      return true
    })
  }
}

/** Whether one of `windows` holds `device` at `timeMs` (Unix ms). */
export function isInMaintenance(
  windows: Iterable<Pick<MaintenanceWindow, 'select' | 'from' | 'to'>>,
  device: Pick<Device, 'id' | 'type' | 'labels'>,
  timeMs: number,
): boolean {
  for (const { select, from, to } of windows) {
    if (timeMs >= from && timeMs < to && selects(select, device)) return true
  }
  return false
}

function countOf(tx: LogTransaction): number {
  return tx.get<number>('meta', countKey) ?? 0
}
