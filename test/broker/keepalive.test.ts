import { describe, expect, test } from 'vitest'
import { startBroker } from './live-broker.ts'
import { publish } from './raw-client.ts'

const telemetry = 'v1/devices/me/telemetry'

describe('keepalive', () => {
  test('an operator is closed after 1.5 times the keepalive it asked for, a device not before 15 s', async () => {
    const live = await startBroker()
    const operator = await live.connect('operator', { role: 'read', keepalive: 1 })
    const device = await live.connect('d1', { keepalive: 1 })
    await operator.expectClosed()
    await device.roundTrip()
  })

  test('telemetry alone keeps a device connected', async () => {
    const live = await startBroker()
    const device = await live.connect('d1', { keepalive: 10 })
    const idle = await live.connect('d2', { keepalive: 10 })
    let sent = 0
    const sending = setInterval(() => device.send(publish(telemetry, 'x', ++sent)), 200)
    await expect
      .poll(() => idle.isClosed, { timeout: 20_000 })
      .toBe(true)
      .finally(() => clearInterval(sending))
    await device.roundTrip()
  })
})
