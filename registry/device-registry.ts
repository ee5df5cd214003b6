import { createHash, randomBytes } from 'node:crypto'
import type { AuditAction } from '../domain/audit-entry.ts'
import type { Device, DeviceRecord } from '../domain/device.ts'
import { changedFields } from '../lib/changed-fields.ts'
import type { Clock } from '../lib/clock.ts'
import type { Act } from '../log/act.ts'
import type { Log, LogTransaction } from '../log/log.ts'

export interface DeviceInput {
  readonly id: string
  readonly type: string
  readonly labels?: Readonly<Record<string, string>> | undefined
}

export type DeviceChange = 'created' | 'changed' | 'secret' | 'removed'

/**
 * The devices, kept in the log's table and, for the broker's sake, in memory. Every change is durable before it resolves.
 * Secrets are 128 random bits made here; only their SHA-256 is kept.
 */
export class DeviceRegistry {
  readonly #log: Log
  readonly #clock: Clock
  readonly #devices = new Map<string, DeviceRecord>()
  readonly #listeners: ((change: DeviceChange, id: string) => void)[] = []
  readonly #removeBelongings: (tx: LogTransaction, id: string) => void

  /** `removeBelongings` is part of the transaction that removes a device. */
  constructor(
    log: Log,
    clock: Clock,
    removeBelongings: (tx: LogTransaction, id: string) => void = () => undefined,
  ) {
    this.#log = log
    this.#clock = clock
    this.#removeBelongings = removeBelongings
  }

  load(): void {
    for (const [id, device] of this.#log.entries<DeviceRecord>('devices')) this.#devices.set(id, device)
  }

  /** Called after each change, once it is durable. */
  onChange(listener: (change: DeviceChange, id: string) => void): void {
    this.#listeners.push(listener)
  }

  find(id: string): DeviceRecord | undefined {
    return this.#devices.get(id)
  }

  get size(): number {
    return this.#devices.size
  }

  /** Devices after the id `after`, in order of their ids. */
  list(filter: {
    type?: string | undefined
    labels?: Readonly<Record<string, string>>
    where?: (device: Device) => boolean
    after?: string | undefined
    limit: number
  }): DeviceRecord[] {
    const found: DeviceRecord[] = []
    const ids = [...this.#devices.keys()].sort()
    for (const id of ids) {
      if (filter.after !== undefined && id <= filter.after) continue
      const device = this.#devices.get(id)!
      if (filter.type !== undefined && device.type !== filter.type) continue
      const labels = Object.entries(filter.labels ?? {})
      if (
        !labels.every(([name, value]) => Object.hasOwn(device.labels, name) && device.labels[name] === value)
      )
        continue
      if (filter.where?.(device) === false) continue
      found.push(device)
      if (found.length >= filter.limit) break
    }
    return found
  }

  /** Registers a device and makes its secret; undefined when the id is taken. */
  async create(input: DeviceInput, act?: Act): Promise<{ device: DeviceRecord; secret: string } | undefined> {
    const secret = newSecret()
    const device: DeviceRecord = {
      id: input.id,
      type: input.type,
      labels: { ...input.labels },
      createdAt: new Date(this.#clock.now()).toISOString(),
      secretHash: hashOf(secret),
    }
    const created = await this.#log.transaction((tx) => {
      if (tx.get('devices', input.id) !== undefined) return false
      tx.put('devices', input.id, device)
      act?.write(tx, 'device.created', device.id)
      return true
    })
    if (!created) return undefined
    this.#applied('created', device)
    return { device, secret }
  }

  async update(
    id: string,
    change: { type?: string | undefined; labels?: Readonly<Record<string, string>> | undefined },
    act?: Act,
  ) {
    return this.#modify(id, ['changed', 'device.updated', act], (device) => ({
      ...device,
      type: change.type ?? device.type,
      labels: change.labels ?? device.labels,
    }))
  }

  /** Makes a new secret; the old one is refused from then on. */
  async rotateSecret(id: string, act?: Act): Promise<{ device: DeviceRecord; secret: string } | undefined> {
    const secret = newSecret()
    const device = await this.#modify(id, ['secret', 'device.secret_rotated', act], (current) => ({
      ...current,
      secretHash: hashOf(secret),
    }))
    return device === undefined ? undefined : { device, secret }
  }

  async remove(id: string, act?: Act): Promise<boolean> {
    const isRemoved = await this.#log.transaction((tx) => {
      if (tx.get('devices', id) === undefined) return false
      tx.remove('devices', id)
      this.#removeBelongings(tx, id)
      act?.write(tx, 'device.deleted', id)
      return true
    })
    if (!isRemoved) return false
    this.#devices.delete(id)
    this.#tell('removed', id)
    return true
  }

  async #modify(
    id: string,
    [change, action, act]: readonly [DeviceChange, AuditAction, Act | undefined],
    edit: (device: DeviceRecord) => DeviceRecord,
  ): Promise<DeviceRecord | undefined> {
    const device = await this.#log.transaction((tx) => {
      const current = tx.get<DeviceRecord>('devices', id)
      if (current === undefined) return undefined
      const edited = edit(current)
      const changed = changedFields(current, edited)
      if (changed.length === 0) return current
      tx.put('devices', id, edited)
      act?.write(tx, action, id, change === 'changed' ? { changed } : {})
      return edited
    })
    if (device !== undefined) this.#applied(change, device)
    return device
  }

  #applied(change: DeviceChange, device: DeviceRecord): void {
    this.#devices.set(device.id, device)
    this.#tell(change, device.id)
  }

  #tell(change: DeviceChange, id: string): void {
    for (const listener of this.#listeners) listener(change, id)
  }
}

/** 128 random bits, in characters that need no quoting anywhere. */
export function newSecret(): string {
  return randomBytes(16).toString('base64url')
}

export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
