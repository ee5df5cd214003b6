import type { z } from 'zod'
import { durationMs } from '../../domain/duration.ts'
import { positiveDuration } from './fields.ts'

const windowDaysMax = 400
const windowMsMax = windowDaysMax * 86_400_000

/** The length of a window. A year and what a yearly comparison overlaps is the longest that a rule may ask to keep. */
export const windowDuration = positiveDuration.refine(
  (given: z.output<typeof positiveDuration>) =>
    (durationMs(typeof given === 'string' ? given : given.default) ?? 0) <= windowMsMax,
  `must not be longer than ${windowDaysMax}d`,
)
