/** Bytes of a packet, in a slab that it may share with others. */
export interface Frame {
  readonly buffer: Buffer
  readonly start: number
  readonly end: number
}

const slabBytes = 65_536
/** A larger frame has a buffer of its own: it would keep too much of a slab in memory, or not fit. */
const slabFrameBytesMax = slabBytes / 8
const dupFlag = 0x08
const pubrelBytes = 4

// Filled from the front and never written twice, so that a socket may hold on to it: when it is full the next is taken.
let slab = Buffer.allocUnsafeSlow(slabBytes)
let slabEnd = 0

/**
 * A PUBLISH. `topicBytes` begins with its two bytes of length; `id` is 0 at QoS 0. Takes strings as they come, so that
 * a payload is written once.
 */
export function publishFrame(
  topicBytes: Buffer,
  payload: Buffer | string,
  qos: 0 | 1 | 2,
  id: number,
): Frame {
  const payloadBytes = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length
  const length = topicBytes.length + (qos > 0 ? 2 : 0) + payloadBytes
  const lengthBytes = length < 128 ? 1 : length < 16_384 ? 2 : length < 2_097_152 ? 3 : 4
  const frame = allocate(1 + lengthBytes + length)
  const { buffer } = frame
  let at = frame.start
  buffer[at++] = 0x30 | (qos << 1)
  for (let rest = length, i = 0; i < lengthBytes; i++, rest = Math.floor(rest / 128)) {
    buffer[at++] = (rest % 128) | (i < lengthBytes - 1 ? 0x80 : 0)
  }
  buffer.set(topicBytes, at)
  at += topicBytes.length
  if (qos > 0) {
    buffer[at++] = id >> 8
    buffer[at++] = id & 0xff
  }
  if (typeof payload === 'string') buffer.write(payload, at)
  else buffer.set(payload, at)
  return frame
}

/** [MQTT-3.6.1-1]: its flags are 2. */
export function pubrelFrame(id: number): Frame {
  const frame = allocate(pubrelBytes)
  frame.buffer.set([0x62, 2, id >> 8, id & 0xff], frame.start)
  return frame
}

/** Marks a PUBLISH as sent before. Its old socket must be gone. */
export function setDup({ buffer, start }: Frame): void {
  buffer[start] = buffer[start]! | dupFlag
}

/** The bytes of `frames`, one at least, for one write: without a copy where they lie one after another. */
export function frameBytes(frames: readonly Frame[]): Buffer {
  const { buffer, start } = frames[0]!
  let end = start
  for (const frame of frames) {
    if (frame.buffer !== buffer || frame.start !== end) return gathered(frames)
    end = frame.end
  }
  return buffer.subarray(start, end)
}

function gathered(frames: readonly Frame[]): Buffer {
  return Buffer.concat(frames.map(({ buffer, start, end }) => buffer.subarray(start, end)))
}

function allocate(bytes: number): Frame {
  if (bytes > slabFrameBytesMax) return { buffer: Buffer.allocUnsafe(bytes), start: 0, end: bytes }
  if (slabEnd + bytes > slabBytes) {
    slab = Buffer.allocUnsafeSlow(slabBytes)
    slabEnd = 0
  }
  slabEnd += bytes
  return { buffer: slab, start: slabEnd - bytes, end: slabEnd }
}
