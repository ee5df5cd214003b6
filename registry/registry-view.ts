import type { DeviceRecord } from '../domain/device.ts'
import type { Profile } from '../domain/profile.ts'
import type { Change, Log } from '../log/log.ts'
import { overlaid } from './profile-registry.ts'

/** Devices and profiles as a worker thread sees them: a copy that follows the log's feed of changes. */
export class RegistryView {
  readonly devices = new Map<string, DeviceRecord>()
  profiles: ReadonlyMap<string, Profile> = overlaid([])
  readonly #log: Log
  readonly #userProfiles = new Map<string, Profile>()
  #revision = 0

  constructor(log: Log) {
    this.#log = log
  }

  /** Applies what changed since the last call, and returns all of it: rules, shelvings and the like are for the caller. */
  refresh(): Change[] {
    const changes = this.#log.changesSince(this.#revision)
    for (const { revision, table, key, value } of changes) {
      this.#revision = revision
      if (table === 'devices') set(this.devices, key, value as DeviceRecord | undefined)
      if (table === 'profiles') {
        set(this.#userProfiles, key, value as Profile | undefined)
        this.profiles = overlaid(this.#userProfiles)
      }
    }
    return changes
  }
}

function set<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}
