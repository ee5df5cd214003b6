import { expect, test } from 'vitest'
import { shippedProfiles } from '../../domain/shipped-profiles.ts'
import { connectLines } from '../../http/connect-lines.ts'

const plain = { host: 'broker.example', port: 1883, tls: false }

test('the lines have host, port, id and topic, and read the secret from the environment', () => {
  const lines = connectLines(
    'meter-1',
    { metrics: { voltage_v: { kind: 'gauge', unit: 'V', min: 0, max: 500 } } },
    plain,
  )
  expect(lines).toMatchObject({ topic: 'devices/meter-1/telemetry', payload: { voltage_v: 1 } })
  expect(lines.mosquittoPub).toBe(`mosquitto_pub -h broker.example -p 1883 -V mqttv311 \\
  -i meter-1 -u meter-1 -P "$DEVICE_SECRET" -q 1 -t devices/meter-1/telemetry -m '{"voltage_v":1}'`)
  expect(lines.node).toContain("connectAsync('mqtt://broker.example:1883', {")
  expect(lines.python).toContain('client.connect("broker.example", 1883)')
  for (const line of [lines.node, lines.python]) expect(line).toContain('DEVICE_SECRET')
})

test('with TLS each of them asks for it', () => {
  const { mosquittoPub, node, python } = connectLines('a', undefined, { host: '::1', port: 8883, tls: true })
  expect(mosquittoPub).toContain('-h ::1 -p 8883 --tls-use-os-certs')
  expect(node).toContain('mqtts://[::1]:8883')
  expect(python).toContain('client.tls_set()\nclient.connect("::1", 8883)')
})

test.each(shippedProfiles.map((profile) => [profile.type, profile] as const))(
  'the example of %s is within the ranges of its profile and decides no type',
  (_, profile) => {
    const { payload } = connectLines('a', profile, plain)
    for (const [name, value] of Object.entries(payload)) {
      const { kind, type, min = value, max = value } = profile.metrics[name] ?? { kind: 'gauge' }
      expect([kind === 'state' ? type : 'number', value >= min, value <= max], name).toEqual([
        typeof value,
        true,
        true,
      ])
    }
  },
)
