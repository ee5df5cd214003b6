/**
 * Names that may appear in topics, series and URLs, and the topics themselves.
 * The patterns are the contract with devices: widening one is compatible, narrowing one is not.
 */

const deviceIdPattern = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/
const metricPattern = /^[A-Za-z][A-Za-z0-9_]{0,63}$/
const ruleIdPattern = /^[a-z0-9][a-z0-9-]{0,63}$/
const deviceTypePattern = /^[a-z][a-z0-9_]{0,63}$/
const labelNamePattern = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/

/** InfluxDB drops a field called `time` without a word, and a field called like a tag hides the tag. */
const reservedMetrics: ReadonlySet<string> = new Set(['time', 'device', 'quality'])

export const labelValueBytesMax = 256
export const stringValueBytesMax = 256

export function isDeviceId(text: string): boolean {
  return deviceIdPattern.test(text)
}

export function isRuleId(text: string): boolean {
  return ruleIdPattern.test(text)
}

export function isDeviceType(text: string): boolean {
  return deviceTypePattern.test(text)
}

export function isLabelName(text: string): boolean {
  return labelNamePattern.test(text) && !reservedMetrics.has(text)
}

/** True when `text` may name a metric; `tags` are the labels stored as tags for the device type. */
export function isMetricName(text: string, tags: readonly string[] = []): boolean {
  return metricPattern.test(text) && !reservedMetrics.has(text) && !tags.includes(text)
}

/** ThingsBoard's telemetry topic: the device is the one that is connected. */
export const ownTelemetryTopic = 'v1/devices/me/telemetry'

export function telemetryTopic(deviceId: string): string {
  return `devices/${deviceId}/telemetry`
}

export function eventTopic(eventClass: string, subject: string): string {
  return `events/${eventClass}/${isDeviceId(subject) ? subject : encodeURIComponent(subject)}`
}

/** Where a command is sent; the device answers at `/response` below it. */
export function commandTopic(deviceId: string, commandId: string): string {
  return `devices/${deviceId}/commands/${commandId}`
}
