import type { Profile } from '../domain/profile.ts'
import { shippedProfiles } from '../domain/shipped-profiles.ts'
import { changedFields } from '../lib/changed-fields.ts'
import type { Act } from '../log/act.ts'
import type { Log } from '../log/log.ts'

const shipped: ReadonlyMap<string, Profile> = new Map(
  shippedProfiles.map((profile) => [profile.type, profile]),
)

/** The profiles that ship, under those that users put in their place. */
export class ProfileRegistry {
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  find(type: string): Profile | undefined {
    return this.#log.get<Profile>('profiles', type) ?? shipped.get(type)
  }

  /** All profiles in order of their types. */
  all(): Profile[] {
    return [...overlaid(this.#log.entries<Profile>('profiles')).values()].sort((a, b) =>
      a.type < b.type ? -1 : 1,
    )
  }

  async put(profile: Profile, act?: Act): Promise<void> {
    const { type } = profile
    await this.#log.transaction((tx) => {
      const current = tx.get<Profile>('profiles', type)
      const changed = changedFields(current ?? {}, profile)
      if (current !== undefined && changed.length === 0) return
      tx.put('profiles', type, profile)
      act?.write(tx, 'profile.put', type, { changed })
    })
  }

  /** Removes a user's profile; a type that ships returns to what ships. `shipped` when there is nothing to remove. */
  remove(type: string, act?: Act): Promise<'removed' | 'not_found' | 'shipped'> {
    return this.#log.transaction((tx) => {
      if (tx.get('profiles', type) === undefined) return shipped.has(type) ? 'shipped' : 'not_found'
      tx.remove('profiles', type)
      act?.write(tx, 'profile.deleted', type)
      return 'removed'
    })
  }
}

/** Profiles by type: those that ship, overlaid with `entries`. */
export function overlaid(entries: Iterable<readonly [string, Profile]>): Map<string, Profile> {
  return new Map([...shipped, ...entries])
}
