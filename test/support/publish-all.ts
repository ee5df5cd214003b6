import { expect } from 'vitest'
import { telemetryTopic } from '../../domain/names.ts'
import { MqttPublisher } from '../../simulators/mqtt-publisher.ts'
import type { PlatformProcess } from './platform-process.ts'

const inFlightMax = 100

/** Publishes in order at QoS 1, at most 100 unacknowledged; resolves when each is acknowledged. */
export async function publishAll(
  { mqttUrl }: PlatformProcess,
  device: string,
  password: string | undefined,
  payloads: readonly (Buffer | string)[],
): Promise<void> {
  let acknowledged = 0
  const publisher = new MqttPublisher({
    url: mqttUrl,
    clientId: device,
    username: device,
    password,
    topic: telemetryTopic(device),
    qos: 1,
    onAcknowledged: () => acknowledged++,
    onReconnect: () => expect.unreachable('the platform closed the connection'),
  })
  await publisher.connect()
  for (let at = 0; at < payloads.length; at += inFlightMax) {
    for (const payload of payloads.slice(at, at + inFlightMax)) publisher.publish(payload, 0)
    publisher.flush()
    const goal = Math.min(at + inFlightMax, payloads.length)
    await expect.poll(() => acknowledged, { timeout: 10_000, interval: 2 }).toBe(goal)
  }
  await publisher.close()
}
