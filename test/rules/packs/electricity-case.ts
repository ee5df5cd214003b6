import type { PackCase, Phase } from './pack-drive.ts'

/** A row of the table of the pack `electricity`, of a meter. */
export function electricityCase(
  rule: string,
  is: string,
  every: string,
  plays: readonly Phase[],
  says: readonly string[],
  labels?: Record<string, string>,
): PackCase {
  return {
    rule: `electricity-${rule}`,
    is,
    every,
    plays,
    says,
    type: 'smart_meter',
    ...(labels === undefined ? {} : { labels }),
  }
}
