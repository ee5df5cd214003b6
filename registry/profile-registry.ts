import { z } from 'zod'
import { durationMs } from '../domain/duration.ts'
import { isDeviceType, isLabelName, isMetricName } from '../domain/names.ts'
import type { Profile } from '../domain/profile.ts'
import { shippedProfiles } from '../domain/shipped-profiles.ts'
import type { Log } from '../log/log.ts'

const metricSchema = z
  .strictObject({
    unit: z.string().max(32).optional(),
    kind: z.enum(['gauge', 'counter', 'state']),
    type: z.enum(['number', 'boolean', 'string']).optional(),
    min: z.number().optional(),
    max: z.number().optional(),
  })
  .refine((metric) => metric.min === undefined || metric.max === undefined || metric.min <= metric.max, {
    message: 'min is above max',
    path: ['min'],
  })
  .refine((metric) => metric.kind === 'state' || metric.type === undefined || metric.type === 'number', {
    message: 'a gauge or counter is a number',
    path: ['type'],
  })

/** A profile as `PUT /profiles/{type}` takes it. */
export const profileSchema = z
  .strictObject({
    type: z.string().refine(isDeviceType, 'expected a lower-case name such as smart_meter'),
    strict: z.boolean().default(false),
    tags: z.array(z.string().refine(isLabelName, 'not a label name')).max(16).default([]),
    expectedInterval: z
      .string()
      .refine((text) => durationMs(text) !== undefined, 'expected a duration such as 1m')
      .optional(),
    metrics: z.record(z.string(), metricSchema).default({}),
  })
  .superRefine((profile, context) => {
    for (const metric of Object.keys(profile.metrics)) {
      if (isMetricName(metric, profile.tags)) continue
      context.addIssue({
        code: 'custom',
        path: ['metrics', metric],
        message: 'not a metric name, or taken by a tag',
      })
    }
  })

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

  async put(profile: Profile): Promise<void> {
    await this.#log.transaction((tx) => tx.put('profiles', profile.type, profile))
  }

  /** Removes a user's profile; a type that ships returns to what ships. `shipped` when there is nothing to remove. */
  async remove(type: string): Promise<'removed' | 'not_found' | 'shipped'> {
    if (this.#log.get('profiles', type) === undefined) return shipped.has(type) ? 'shipped' : 'not_found'
    await this.#log.transaction((tx) => tx.remove('profiles', type))
    return 'removed'
  }
}

/** Profiles by type: those that ship, overlaid with `entries`. */
export function overlaid(entries: Iterable<readonly [string, Profile]>): Map<string, Profile> {
  return new Map([...shipped, ...entries])
}
