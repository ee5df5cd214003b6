import { z } from 'zod'

/** A reading's time may be from 2000-01-01 to 2099-12-31. */
export const timeMin = Date.UTC(2000, 0, 1)
export const timeMax = Date.UTC(2100, 0, 1) - 1

/** A date, or a date and time with its offset: without one it would be read in the server's time zone. */
const rfc3339Pattern = /^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d))?$/

const timeForms = 'RFC 3339, a date, or Unix ms'

/** A time of a query, as Unix ms: RFC 3339 or Unix milliseconds. */
export const queryTime = z
  .string()
  .transform((text, context) => {
    const ms = /^-?\d{1,15}$/.test(text)
      ? Number(text)
      : rfc3339Pattern.test(text)
        ? Date.parse(text)
        : Number.NaN
    if (Number.isNaN(ms)) {
      context.addIssue({ code: 'custom', message: 'expected RFC 3339 or Unix milliseconds' })
      return z.NEVER
    }
    return ms
  })
  // Behind the transformation: without one, /openapi.json would lose this form where there are several.
  .describe(timeForms)

/** A time of a body, as Unix ms: the same, or a number. */
export const bodyTime = z
  .union([z.number().int(), queryTime], 'expected RFC 3339 or Unix milliseconds')
  .refine((ms) => ms >= timeMin && ms <= timeMax + 1, 'expected a time from 2000-01-01 to 2099-12-31')
  .describe(timeForms)

/** A time of an answer; whole seconds without a fraction, as the contract shows them. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z')
}
