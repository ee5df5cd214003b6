import type { Severity } from '../../../domain/event.ts'
import type { Value } from '../../../domain/profile.ts'
import type { Rule } from '../../../rules/rule.ts'

/** A reading as it arrives; times in Unix ms. */
export interface GivenReading {
  readonly ts: number
  readonly values: Readonly<Record<string, Value>>
  /** `device-1` unless said. */
  readonly device?: string
}

/** What is known beside the readings. A device is registered when any of these names it or a reading is of it. */
export interface World {
  readonly labels?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** `generic` unless said. */
  readonly deviceTypes?: Readonly<Record<string, string>>
  /** Unix ms; without it a device that is never heard is not missed. */
  readonly registeredAt?: Readonly<Record<string, number>>
  /** The clock runs to it, inclusive; without it, to the newest reading of each device. */
  readonly until?: number
  /** Those that `suppressedBy` and `flapping` name. */
  readonly otherRules?: readonly Rule[]
  /** For all devices, Unix ms; `from` included, `to` not. */
  readonly maintenance?: readonly { readonly from: number; readonly to: number }[]
  /** Of use with readings in order of time: each stands before the first reading that is not older. */
  readonly connections?: readonly { readonly device: string; readonly ts: number; readonly online: boolean }[]
}

export interface Transition {
  /** Or the group, `site=berlin`. */
  readonly device: string
  readonly transition: 'raised' | 'escalated' | 'cleared'
  readonly time: number
  readonly since: number
  readonly value: Value | undefined
  readonly severity: Severity
}

export const defaultDevice = 'device-1'

/** Every device of the world, sorted. */
export function devicesOf(readings: readonly GivenReading[], world: World): string[] {
  const named = [
    ...readings.map(({ device = defaultDevice }) => device),
    ...(world.connections ?? []).map(({ device }) => device),
    ...Object.keys(world.labels ?? {}),
    ...Object.keys(world.deviceTypes ?? {}),
    ...Object.keys(world.registeredAt ?? {}),
  ]
  return [...new Set(named)].sort()
}

export function isSelected({ select }: Rule, device: string, world: World): boolean {
  const labels = world.labels?.[device] ?? {}
  return (
    (select.devices.length === 0 || select.devices.includes(device)) &&
    (select.types.length === 0 || select.types.includes(world.deviceTypes?.[device] ?? 'generic')) &&
    Object.entries(select.labels).every(([name, value]) => labels[name] === value)
  )
}
