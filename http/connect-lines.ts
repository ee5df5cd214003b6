import { fixedValueType, type MetricProfile, type Profile, type Value } from '../domain/profile.ts'
import { authority } from './reached-host.ts'

/** Where a device connects. */
export interface MqttAddress {
  readonly host: string
  readonly port: number
  readonly tls: boolean
}

export interface ConnectLines {
  readonly topic: string
  /** A native payload with metrics of the device's profile. */
  readonly payload: Readonly<Record<string, Value>>
  readonly mosquittoPub: string
  readonly node: string
  readonly python: string
}

/** The variable of the environment in which the lines look for the secret: the platform does not know it. */
export const secretVariable = 'DEVICE_SECRET'

const metricsShown = 3

/**
 * What publishes one reading of a device, to be pasted: into a shell, Node (`mqtt`) and Python (`paho-mqtt` 2). Ids are of an
 * alphabet that needs no quoting (`isDeviceId`); `host` must be, too.
 */
export function connectLines(
  id: string,
  profile: Pick<Profile, 'metrics'> | undefined,
  { host, port, tls }: MqttAddress,
): ConnectLines {
  const topic = `devices/${id}/telemetry`
  const payload = examplePayload(profile?.metrics ?? {})
  const json = JSON.stringify(payload)
  const url = `${tls ? 'mqtts' : 'mqtt'}://${authority(host, port)}`
  const mosquittoPub = [
    `mosquitto_pub -h ${host} -p ${port}${tls ? ' --tls-use-os-certs' : ''} -V mqttv311`,
    `  -i ${id} -u ${id} -P "$${secretVariable}" -q 1 -t ${topic} -m '${json}'`,
  ].join(' \\\n')
  const node = `import { connectAsync } from 'mqtt'

const client = await connectAsync('${url}', {
  clientId: '${id}',
  username: '${id}',
  password: process.env.${secretVariable},
})
await client.publishAsync('${topic}', JSON.stringify(${json}), { qos: 1 })
await client.endAsync()
`
  const python = `import os
import paho.mqtt.client as mqtt

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="${id}")
client.username_pw_set("${id}", os.environ["${secretVariable}"])
${tls ? 'client.tls_set()\n' : ''}client.connect("${host}", ${port})
client.loop_start()
client.publish("${topic}", '${json}', qos=1).wait_for_publish()
client.disconnect()
client.loop_stop()
`
  return { topic, payload, mosquittoPub, node, python }
}

function examplePayload(metrics: Profile['metrics']): Record<string, Value> {
  // One whose type the first value decides is left alone: an example must not decide it.
  const fixed = Object.entries(metrics).filter(([, metric]) => fixedValueType(metric) !== undefined)
  const shown = fixed.slice(0, metricsShown)
  if (shown.length === 0) return { value: 1 }
  return Object.fromEntries(shown.map(([name, metric]) => [name, exampleValue(metric)]))
}

/** Within the profile's range, or its message would be a dead letter. */
function exampleValue(metric: MetricProfile): Value {
  const type = fixedValueType(metric)
  if (type === 'string') return 'on'
  if (type === 'boolean') return true
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = metric
  return Math.min(Math.max(1, min), max)
}
