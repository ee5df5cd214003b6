import type { DeliveredEvent } from '../domain/event.ts'
import type { ReadingBatch, SeriesOwner, Shape } from '../domain/reading-batch.ts'

/** `measurement,device=…,tag=… `, the part of a line that all readings of a device share. */
export function linePrefix(owner: SeriesOwner): string {
  let prefix = `${escapeMeasurement(owner.type)},device=${escapeTag(owner.id)}`
  for (const [name, value] of owner.tags) {
    const escaped = escapeTag(value)
    if (escaped !== '') prefix += `,${escapeTag(name)}=${escaped}`
  }
  return `${prefix} `
}

/**
 * One line for each row of the batch. Numbers are always floats, so that a metric never changes its type by chance;
 * the timestamp is in milliseconds, because InfluxDB 1.6 silently takes microseconds for nanoseconds.
 */
export function encodeLines(batch: ReadingBatch): string[] {
  const prefixes = batch.devices.map(linePrefix)
  const fieldKeys = batch.shapes.map((shape) =>
    shape.metrics.map((metric, i) => `${i === 0 ? '' : ','}${metric}=`),
  )
  const lines = new Array<string>(batch.rows)
  let at = 0
  for (let row = 0; row < batch.rows; row++) {
    const shapeIndex = batch.shape[row]!
    const shape: Shape = batch.shapes[shapeIndex]!
    const keys = fieldKeys[shapeIndex]!
    let line = prefixes[batch.device[row]!]!
    for (let i = 0; i < keys.length; i++) {
      const value = batch.values[at++]!
      const letter = shape.types.charCodeAt(i)
      if (letter === letterN) line += keys[i]! + value
      else if (letter === letterB) line += keys[i]! + (value === 1 ? 'true' : 'false')
      else line += `${keys[i]!}"${escapeString(batch.strings[value]!)}"`
    }
    if (batch.future[row] === 1) line += ',quality="future"'
    lines[row] = `${line} ${batch.time[row]}`
  }
  return lines
}

/** Measurement `event`: tags device, class, rule, severity, state; the event's id keeps a repeat on the same point. */
export function encodeEventLine(event: DeliveredEvent): string {
  const { device, class: eventClass, rule, severity, state, message, value } = event.data
  const tags = Object.entries({ class: eventClass, device, rule, severity, state })
  let line = `event,${tags.map(([name, text]) => `${name}=${escapeTag(text)}`).join(',')} `
  line += `id="${escapeString(event.id)}",message="${escapeString(message)}"`
  if (typeof value === 'number') line += `,value=${value}`
  return `${line} ${Date.parse(event.time)}`
}

const letterN = 'n'.charCodeAt(0)
const letterB = 'b'.charCodeAt(0)

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
