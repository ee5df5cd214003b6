import { shippedProfiles } from '../domain/shipped-profiles.ts'
import type { Reading } from './transmission.ts'

/** Unit of the timestamps; what imports line protocol takes nanoseconds unless it is told otherwise. */
export type Precision = 'ms' | 'ns'

/**
 * `measurement,device=…,tag=… `, as the store writes it: the tags are those labels that the shipped profile of the type names,
 * sorted, empty ones left out.
 */
export function linePrefix(device: {
  readonly id: string
  readonly type: string
  readonly labels: Readonly<Record<string, string>>
}): string {
  const tags = [...(shippedProfiles.find(({ type }) => type === device.type)?.tags ?? [])].sort()
  let prefix = `${escapeMeasurement(device.type)},device=${escapeTag(device.id)}`
  for (const tag of tags) {
    const value = escapeTag(device.labels[tag] ?? '')
    if (value !== '') prefix += `,${escapeTag(tag)}=${value}`
  }
  return `${prefix} `
}

/** A reading as a line without its end; undefined when it has no value. Numbers are floats always, as in the store. */
export function encodeLine(
  prefix: string,
  { ts, values }: Reading,
  precision: Precision,
): string | undefined {
  let fields = ''
  for (const metric in values) {
    const value = values[metric]
    if (value === null || value === undefined) continue
    if (fields !== '') fields += ','
    fields += `${metric}=${typeof value === 'string' ? `"${escapeString(value)}"` : value}`
  }
  if (fields === '') return undefined
  return `${prefix}${fields} ${precision === 'ns' ? nanoseconds(ts) : ts}`
}

/** As text: their last digits are beyond a double. */
function nanoseconds(ms: number): string {
  return ms === 0 ? '0' : `${ms}000000`
}

/** InfluxDB documentation, "Line protocol": commas and spaces; a newline would end the line. */
function escapeMeasurement(text: string): string {
  return text.replace(/[, \n\r\t]/g, (c) => escapes[c] ?? `\\${c}`)
}

/** A backslash at the end would escape what comes after the tag, and no escaping of it helps (1.6.7): it is left out. */
function escapeTag(text: string): string {
  return text.replace(/\\+$/, '').replace(/[,= \n\r\t]/g, (c) => escapes[c] ?? `\\${c}`)
}

function escapeString(text: string): string {
  return text.replace(/["\\]/g, '\\$&')
}

const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }
