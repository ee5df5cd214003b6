import type { MqttClient } from 'mqtt'

/**
 * An operator who has subscribed to `topic` at QoS 1, on a connection that comes back by itself; undefined where the token may
 * not, or nobody answers. `token` is an API token: operators connect with it as user `api`.
 */
export async function operatorClient(
  url: string,
  token: string,
  topic: string,
): Promise<MqttClient | undefined> {
  // A fifth of a second to load, which no other command should wait for.
  const { connectAsync } = await import('mqtt')
  const login = { username: 'api', password: token, rejectUnauthorized: false }
  const client = await connectAsync(url, login).catch(() => undefined)
  // Without a listener an error of the connection would end the process.
  client?.on('error', () => undefined)
  try {
    await client?.subscribeAsync(topic, { qos: 1 })
    return client
  } catch {
    await client?.endAsync(true)
    return undefined
  }
}
