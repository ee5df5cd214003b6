import { z } from 'zod'
import type { Fault } from './faults/fault.ts'

/** One fault of a run as a score sees it: one line of a truth file. Times are Unix ms. */
export interface Truth {
  readonly id: string
  readonly device: string
  readonly kind: string
  readonly class: Fault['class']
  /** Of files written by others also a word. */
  readonly severity: number | string
  readonly onset: number
  readonly detectable_from: number
  /** Of a process fault that destroys something. */
  readonly failure: number | null
  /** By when somebody should have been warned; null where nothing says so. */
  readonly warn_by: number | null
  readonly end: number
  /** An event up to so many ms after the end still counts. */
  readonly grace: number
  /** Rule ids or types of events that tell of it; of a rule id any transition `raised`. */
  readonly expect: readonly string[]
  /** Of a sensor fault. */
  readonly metric?: string
}

const timeMs = z.union([z.number(), z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))])

/** A line of a truth file as it may be given: times also in RFC 3339, what is not said filled in. */
export const truthSchema = z.object({
  id: z.string().min(1),
  device: z.string().min(1),
  kind: z.string().min(1),
  class: z.enum(['process', 'sensor', 'transport']).default('process'),
  severity: z.union([z.number(), z.string()]).default(1),
  onset: timeMs,
  detectable_from: timeMs.nullish(),
  failure: timeMs.nullish(),
  warn_by: timeMs.nullish(),
  end: timeMs.nullish(),
  grace: z.number().nonnegative().default(0),
  expect: z.array(z.string()).default([]),
  metric: z.string().optional(),
})
