/** Where a packet lies in the bytes that were read: its first byte, its variable header, and behind its last byte. */
export interface PacketBounds {
  readonly start: number
  readonly body: number
  readonly end: number
}

const connectType = 1
const publishType = 3
const subscribeType = 8
const unsubscribeType = 10
const pingreqType = 12
const disconnectType = 14
/** PUBACK, PUBREC, PUBREL and PUBCOMP. */
const isAcknowledgement = (type: number) => type >= 4 && type <= 7

/**
 * What is wrong with the bytes of a packet, where mqtt-packet's parser would not see it; undefined for one that is right as far as this
 * looks. MQTT 3.1.1, sections 2.2.2, 2.3.1 and 3.1 to 3.14. Flags, lengths of fields and UTF-8 are the parser's.
 */
export function packetFault(bytes: Buffer, { start, body, end }: PacketBounds): string | undefined {
  const type = bytes[start]! >> 4
  if (type === connectType) return connectFault(bytes, body, end)
  if (type === publishType) {
    const qos = (bytes[start]! >> 1) & 3
    if (qos > 0) return identifierFault(bytes, afterField(bytes, body, end), end)
    // [MQTT-3.3.1-2]
    return (bytes[start]! & 8) === 0 ? undefined : 'DUP at QoS 0'
  }
  if (type === pingreqType || type === disconnectType)
    return body === end ? undefined : 'bytes in a packet that has none'
  if (isAcknowledgement(type) && end - body !== 2) return 'an acknowledgement that is not two bytes long'
  const hasFilters = type === subscribeType || type === unsubscribeType
  // [MQTT-3.8.3-3], [MQTT-3.10.3-2]
  if (hasFilters && end - body <= 2) return 'no filter'
  return hasFilters || isAcknowledgement(type) ? identifierFault(bytes, body, end) : undefined
}

/** The level that a CONNECT names where it is none that is spoken, [MQTT-3.1.2-2]: 3.1.1 is 4, 3.1 is 3 and has another name. */
export function foreignLevel(bytes: Buffer, { start, body, end }: PacketBounds): number | undefined {
  const at = afterField(bytes, body, end)
  if (bytes[start]! >> 4 !== connectType || at >= end) return undefined
  const name = bytes.toString('latin1', body + 2, at)
  const spoken = name === 'MQTT' ? 4 : name === 'MQIsdp' ? 3 : undefined
  // The highest bit is how brokers that bridge say so, and the parser knows it.
  return spoken === undefined || (bytes[at]! & 0x7f) === spoken ? undefined : bytes[at]
}

/** [MQTT-3.1.4-1]: what the flags say, and nothing more or less, is in the payload. */
function connectFault(bytes: Buffer, body: number, end: number): string | undefined {
  const levelAt = afterField(bytes, body, end)
  const flags = bytes[levelAt + 1] ?? 0
  const [hasUsername, hasPassword, hasWill] = [flags & 0x80, flags & 0x40, flags & 0x04]
  // [MQTT-3.1.2-14]
  if ((flags & 0x18) === 0x18) return 'a will at QoS 3'
  // [MQTT-3.1.2-22]
  if (hasPassword && !hasUsername) return 'a password without a username'
  const fields = 1 + (hasWill ? 2 : 0) + (hasUsername ? 1 : 0) + (hasPassword ? 1 : 0)
  let at = levelAt + 4
  for (let i = 0; i < fields; i++) at = afterField(bytes, at, end)
  return at === end ? undefined : 'a payload that is not what the flags say'
}

/** [MQTT-2.3.1-1] */
function identifierFault(bytes: Buffer, at: number, end: number): string | undefined {
  return at + 2 <= end && bytes.readUInt16BE(at) > 0 ? undefined : 'no packet identifier'
}

/** Where the bytes behind the field at `at` begin, two bytes of length before it; past `end` where it is not whole. */
function afterField(bytes: Buffer, at: number, end: number): number {
  return at + 2 <= end ? at + 2 + bytes.readUInt16BE(at) : end + 1
}
