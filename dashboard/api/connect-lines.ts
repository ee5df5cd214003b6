/** A command or program that publishes as one device. */
export interface ConnectLine {
  readonly label: string
  readonly text: string
}

/** Stands for the secret where it is not known. */
export const secretPlaceholder = 'SECRET'

/**
 * Lines that work from wherever this page was loaded, over WebSocket: `ws` at the page's own host and port is the way that needs nothing
 * else to be open.
 */
export function ownConnectLines(page: string, device: string, secret: string | undefined): ConnectLine[] {
  const url = new URL('mqtt', page)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const password = secret ?? secretPlaceholder
  const topic = `devices/${device}/telemetry`
  const payload = '{"temperature_c": 21.5}'
  const given = JSON.stringify({ clientId: device, username: device, password })
  return [
    {
      label: 'Node.js, after npm install mqtt',
      text: `node --input-type=module -e 'import mqtt from "mqtt"; const c = await mqtt.connectAsync("${url.href}", ${given}); await c.publishAsync("${topic}", ${JSON.stringify(payload)}, {qos: 1}); await c.endAsync()'`,
    },
  ]
}
