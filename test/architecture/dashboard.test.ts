import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { influxdAvailable, startInfluxd } from '../../bench/services/influxd.ts'
import type { DeliveredEvent } from '../../domain/event.ts'
import { silentLogger } from '../../lib/logger.ts'
import { InfluxStore } from '../../storage/influx-store.ts'
import { batchOf } from '../support/reading-batches.ts'
import { repositoryRoot } from './source-files.ts'

interface Dashboard {
  readonly panels: readonly {
    readonly title: string
    readonly targets: readonly { readonly query: string }[]
  }[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] }
}

const time = Date.UTC(2026, 10, 23, 12)
/** What Grafana puts in the place of its variables. */
const variables: readonly (readonly [name: string, value: string])[] = [
  ['$timeFilter', `time >= ${time - 60_000}ms and time <= ${time + 60_000}ms`],
  ['$__interval', '10s'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as the dashboard has it.
  ['${device:regex}', '(meter\\-1|meter\\-2)'],
  ['$metric', 'relay_closed'],
  ['$type', 'smart_meter'],
]

test.runIf(influxdAvailable())('every query of the dashboard finds what the platform stores', async () => {
  const influxd = await startInfluxd()
  onTestFinished(influxd.remove)
  const store = new InfluxStore({ url: influxd.url, version: 'auto', bucket: 'tidemark' }, silentLogger)
  await store.open()
  const site = [['site', 'berlin']] as const
  const readings = [
    {
      device: 'meter-1',
      type: 'smart_meter',
      tags: site,
      time,
      values: { active_power_w: 1, relay_closed: true },
    },
    { device: 'fridge-1', type: 'fridge', time, values: { temperature_c: 4 } },
    { device: 'room-1', type: 'room_sensor', time, values: { co2_ppm: 600 } },
  ]
  expect(await store.write([batchOf(readings)])).toEqual({ kind: 'done', rejected: [] })
  expect(await store.writeEvents([raised])).toEqual({ kind: 'done' })

  const dashboard = JSON.parse(
    readFileSync(join(repositoryRoot, 'grafana/dashboards/tidemark.json'), 'utf8'),
  ) as Dashboard
  const queries = [
    ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ query }) => [title, query] as const)),
    ...dashboard.templating.list.map(({ name, query }) => [`variable ${name}`, query] as const),
  ]
  expect(queries.length).toBeGreaterThanOrEqual(9)
  const empty: string[] = []
  for (const [title, query] of queries) {
    const filled = variables.reduce((text, [name, value]) => text.replaceAll(name, value), query)
    if ((await influxd.query(filled)).length === 0) empty.push(`${title}: ${filled}`)
  }
  expect(empty).toEqual([])
})

const raised: DeliveredEvent = {
  specversion: '1.0',
  id: 'one',
  source: '/rules/door',
  type: 'tidemark.maintenance.raised.v1',
  subject: 'fridge-1',
  time: new Date(time).toISOString(),
  datacontenttype: 'application/json',
  sequence: '00000000000000000001',
  data: {
    alarm: 'a',
    rule: 'door',
    ruleVersion: 1,
    device: 'fridge-1',
    deviceType: 'fridge',
    class: 'maintenance',
    severity: 'major',
    state: 'raised',
    message: 'the door is open',
    value: 9,
    since: new Date(time).toISOString(),
    recorded: new Date(time).toISOString(),
    evidence: [],
  },
}
