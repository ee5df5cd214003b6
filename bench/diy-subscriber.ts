import { InfluxDB, Point } from '@influxdata/influxdb-client'
import { connectAsync } from 'mqtt'

/**
 * The usual do-it-yourself pipeline, as its authors write it: subscribe at QoS 1, parse, hand a Point to the client's write
 * API with its default settings. Arguments: broker URL, InfluxDB URL. Says `ready` when subscribed.
 */
const [brokerUrl = '', influxUrl = ''] = process.argv.slice(2)

const writeApi = new InfluxDB({ url: influxUrl, token: '' }).getWriteApi('', 'tidemark', 'ms')
// The client writes to /api/v2/write, which InfluxDB 1.6 does not have.
writeApi.path = '/write?db=tidemark&precision=ms'

const client = await connectAsync(brokerUrl, { clientId: 'diy', clean: false })
client.on('message', (topic, payload) => {
  const { ts, values } = JSON.parse(payload.toString()) as { ts: number; values: Record<string, number> }
  const point = new Point('smart_meter').tag('device', topic.split('/')[1] ?? '').timestamp(ts)
  for (const [metric, value] of Object.entries(values)) point.floatField(metric, value)
  writeApi.writePoint(point)
})
await client.subscribeAsync('devices/+/telemetry', { qos: 1 })
process.stdout.write('ready\n')
process.on('SIGTERM', async () => {
  await client.endAsync(true)
  await writeApi.close().catch(() => undefined)
  process.exit(0)
})
