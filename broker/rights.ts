import { ownTelemetryTopic, telemetryTopic } from '../domain/names.ts'

/** Who is connected, once authenticated. */
export type Principal = { readonly kind: 'device'; readonly id: string } | Operator

export interface Operator {
  readonly kind: 'operator'
  /** Of its token. */
  readonly id: string
  readonly role: Role
}

export type Role = 'read' | 'operate' | 'admin'

const topicLevelsMax = 8
const topicBytesMax = 256
/** What the router behind us can match; for administrators, who have no smaller limit. */
const routedLevelsMax = 100

/** Whether `principal` may publish to `topic`. */
export function mayPublish(principal: Principal, topic: string): boolean {
  if (!isValidTopic(topic)) return false
  if (principal.kind === 'operator') {
    if (principal.role === 'admin') return !topic.startsWith('$')
    return principal.role === 'operate' && isSmall(topic) && /^devices\/[^/]+\/commands\/./.test(topic)
  }
  if (topic === ownTelemetryTopic || topic === telemetryTopic(principal.id)) return true
  const prefix = `devices/${principal.id}/commands/`
  if (!topic.startsWith(prefix) || !isSmall(topic)) return false
  const levels = topic.slice(prefix.length).split('/')
  return levels.length === 2 && levels[0] !== '' && levels[1] === 'response'
}

/** Whether `principal` may subscribe to `filter`: every topic that the filter matches must be one it may receive. */
export function maySubscribe(principal: Principal, filter: string): boolean {
  if (!isValidFilter(filter)) return false
  if (principal.kind === 'operator') {
    if (principal.role === 'admin') return !filter.startsWith('$')
    return isSmall(filter) && (isWithin('events/#', filter) || isWithin('devices/+/telemetry', filter))
  }
  return isSmall(filter) && isWithin(`devices/${principal.id}/commands/#`, filter)
}

/** Whether a message on `topic` may be forwarded to `principal`, whatever it managed to subscribe to. */
export function mayReceive(principal: Principal, topic: string): boolean {
  if (principal.kind === 'operator') {
    if (principal.role === 'admin') return !topic.startsWith('$')
    return topic.startsWith('events/') || /^devices\/[^/]+\/telemetry$/.test(topic)
  }
  return topic.startsWith(`devices/${principal.id}/commands/`)
}

/** Retained messages stay in memory and are searched on every SUBSCRIBE: only administrators may leave them. */
export function mayRetain(principal: Principal): boolean {
  return principal.kind === 'operator' && principal.role === 'admin'
}

/** [MQTT-3.3.2-2], [MQTT-4.7.3-1] and [MQTT-4.7.3-2]: the name of a topic, of a PUBLISH or of a will. */
export function isValidTopic(topic: string): boolean {
  return topic !== '' && !/[+#]/.test(topic) && !topic.includes('\u0000') && hasLevels(topic, routedLevelsMax)
}

/** [MQTT-4.7.1-2] and [MQTT-4.7.1-3]: `#` only as the whole last level, `+` only as a whole level. */
export function isValidFilter(filter: string): boolean {
  if (filter === '' || filter.includes('\u0000') || !hasLevels(filter, routedLevelsMax)) return false
  const levels = filter.split('/')
  return levels.every((level, i) => {
    if (level.includes('#')) return level === '#' && i === levels.length - 1
    return !level.includes('+') || level === '+'
  })
}

function isSmall(topic: string): boolean {
  return Buffer.byteLength(topic) <= topicBytesMax && hasLevels(topic, topicLevelsMax)
}

function hasLevels(topic: string, levelsMax: number): boolean {
  let levels = 1
  for (let at = topic.indexOf('/'); at >= 0; at = topic.indexOf('/', at + 1))
    if (++levels > levelsMax) return false
  return true
}

/** Whether a message on `topic` is for a subscriber of `filter`. */
export function matches(filter: string, topic: string): boolean {
  // [MQTT-4.7.2-1]
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false
  const filterLevels = filter.split('/')
  const levels = topic.split('/')
  for (let i = 0; i < filterLevels.length; i++) {
    const level = filterLevels[i]
    if (level === '#') return true
    if (levels[i] === undefined || (level !== '+' && level !== levels[i])) return false
  }
  return levels.length === filterLevels.length
}

/** True when every topic that `filter` matches is matched by `outer` too. */
export function isWithin(outer: string, filter: string): boolean {
  const outerLevels = outer.split('/')
  const levels = filter.split('/')
  for (let i = 0; i < outerLevels.length; i++) {
    const allowed = outerLevels[i]!
    // `a/#` matches `a` itself too, [MQTT-4.7.1-2]; that much wider than the contract's rights is refused below.
    if (allowed === '#') return levels.length > i
    const level = levels[i]
    if (level === undefined || level === '#') return false
    if (allowed !== '+' && level !== allowed) return false
  }
  return levels.length === outerLevels.length
}
