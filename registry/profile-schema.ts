import { z } from 'zod'
import { durationMs } from '../domain/duration.ts'
import { isDeviceType, isLabelName, isMetricName } from '../domain/names.ts'

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
