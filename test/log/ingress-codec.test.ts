import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  encodedMessageBytes,
  encodeIngressGroup,
  IngressGroupReader,
  type IngressMessage,
  topicCode,
  topicCodes,
  topicName,
} from '../../log/ingress-codec.ts'

const message: fc.Arbitrary<IngressMessage> = fc.record({
  device: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/),
  topic: fc.constantFrom(topicCodes.telemetry, topicCodes.ownTelemetry),
  payload: fc.uint8Array({ maxLength: 300 }),
})

test('a group comes back message by message, whatever the payloads are', () => {
  fc.assert(
    fc.property(fc.array(message), fc.nat(), (messages, receivedAt) => {
      const bytes = messages.reduce((sum, m) => sum + encodedMessageBytes(m.device, m.payload), 0)
      const reader = new IngressGroupReader(encodeIngressGroup(receivedAt, messages, bytes))
      const found: IngressMessage[] = []
      while (reader.next()) {
        const payload = new Uint8Array(reader.bytes.subarray(reader.payloadStart, reader.payloadEnd))
        found.push({ device: reader.device, topic: reader.topic, payload })
      }
      expect(reader.receivedAt).toBe(receivedAt)
      expect(found).toEqual(messages)
    }),
    { numRuns: 300 },
  )
})

test('a topic is named as the device published it, and no other carries telemetry', () => {
  for (const code of Object.values(topicCodes)) expect(topicCode(topicName(code, 'd'), 'd')).toBe(code)
  expect(topicCode('devices/other/telemetry', 'd')).toBeUndefined()
  expect(topicCode('devices/d/telemetry/x', 'd')).toBeUndefined()
})
