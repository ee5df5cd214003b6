import { delay } from '../lib/clock.ts'
import { ApiClient } from './api-client.ts'
import { FleetRunner } from './fleet-runner.ts'
import { models } from './models/models.ts'

export interface DemoOptions {
  readonly mqttUrl: string
  readonly httpUrl: string
  readonly adminToken: string
  readonly signal: AbortSignal
}

const readingEveryMs = 1_000
/** One device of each kind at each, so that there is something to tell apart. */
const sites = ['berlin', 'hamburg']
const demoSeed = 1
/** The demo's fridge door stands open for the last 10 s of each 20 s, so that a newcomer sees an event at once. */
const doorCycleMs = 20_000

const doorRule = {
  id: 'demo-fridge-door',
  name: 'Fridge door open',
  class: 'maintenance',
  severity: 'warning',
  select: { types: ['fridge'], labels: {}, devices: [] },
  when: { kind: 'threshold', metric: 'door_open', equals: true },
  for: '5s',
  message: '{device}: the door has been open for 5 s',
}

/** Two devices of each kind, at two sites, that report every second, and a rule on their fridges; until `signal` aborts. */
export async function runDemoFleet({ mqttUrl, httpUrl, adminToken, signal }: DemoOptions): Promise<void> {
  const api = new ApiClient(httpUrl, adminToken)
  // Models that share a type with another are of scenarios.
  const devices = models
    .filter(({ name, type }) => name === type)
    .flatMap((model) =>
      sites.map((_, i) => model.create(demoSeed, `demo-${model.type.replaceAll('_', '-')}-${i + 1}`)),
    )
  const credentials = await api.provision(
    devices.map(({ id, type }, i) => ({ id, type, labels: { site: sites[i % sites.length]! } })),
  )
  await api.request('POST', '/rules', doorRule).catch((error: Error) => {
    // A second start finds the rule of the first.
    if (!error.message.includes(' 409 ')) throw error
  })
  const fleet = new FleetRunner({ mqttUrl, credentials, signal })
  await fleet.connect()
  while (!signal.aborted) {
    const now = Date.now()
    for (const device of devices) {
      const values = device.valuesAt(now)
      if (device.type === 'fridge') values.door_open = now % doorCycleMs >= doorCycleMs / 2
      await fleet.send({ device: device.id, ts: now, values })
    }
    fleet.flush()
    await delay(readingEveryMs - (Date.now() - now), signal)
  }
  await fleet.close()
}
