import type { Device } from '../domain/device.ts'
import type { Selection } from './rule.ts'

/** Whether a device is among those that `select` means, of a rule or of a maintenance window. */
export function selects(
  { types, labels, devices }: Selection,
  device: Pick<Device, 'id' | 'type' | 'labels'>,
): boolean {
  if (types.length > 0 && !types.includes(device.type)) return false
  if (devices.length > 0 && !devices.includes(device.id)) return false
  for (const name in labels) {
    if (!Object.hasOwn(device.labels, name) || device.labels[name] !== labels[name]) return false
  }
  return true
}
