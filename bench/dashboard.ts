import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { connectAsync } from 'mqtt'
import type { Browser, Page } from 'playwright-core'
import { delay } from '../lib/clock.ts'
import { ApiClient } from '../simulators/api-client.ts'
import { OwnPlatform } from '../simulators/own-platform.ts'
import { median, round } from './rounds.ts'
import { chromiumPath, openBrowser } from './services/chromium.ts'

/**
 * `npm run bench:dashboard`: how soon the overview is painted and has its figures, and how smoothly the list of devices scrolls, with
 * 50 devices, and with 5,000 and 100,000 events, in the same browser and run. Without a graphics card the frames are painted by the processor.
 */
const flags = new Command('bench:dashboard')
  .option('--rounds <n>', 'rounds of each', Number, 5)
  .option('--json', 'one JSON object on standard output')
  .parse()
  .opts<{ rounds: number; json?: boolean }>()

const fleets = [
  { devices: 50, events: 0 },
  { devices: 5_000, events: 100_000 },
]
/** Of one message, which may be 64 KiB large. */
const readingsPerMessage = 500
const framesPerRound = 300
/** A screen and a half in each second, at 60 frames. */
const scrolledPxPerFrame = 25

interface Figures {
  readonly devices: number
  readonly events: number
  /** From the navigation to the first contentful paint of the overview, and to its first figures. */
  readonly paintMs: number
  readonly figuresMs: number
  /** Between frames while the list scrolls. */
  readonly frameP50Ms: number
  readonly frameP95Ms: number
  /** Rows in the document at the end. */
  readonly rows: number
}

/** In the page: scrolls the list so far with each frame, and gives the times between them. */
const scroll = `new Promise((resolve) => {
  const list = document.querySelector('.rows-scroll')
  const times = []
  let direction = ${scrolledPxPerFrame}
  const frame = (at) => {
    times.push(at)
    if (times.length > ${framesPerRound}) return resolve(times.slice(1).map((time, i) => time - times[i]))
    if (list.scrollTop + list.clientHeight >= list.scrollHeight - 1) direction = -Math.abs(direction)
    if (list.scrollTop <= 0) direction = Math.abs(direction)
    list.scrollTop += direction
    requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)
})`

const paint = `performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN`
const figuresAt = `new Promise((resolve) => {
  const look = () => document.querySelector('.tile-value') === null ? requestAnimationFrame(look) : resolve(performance.now())
  look()
})`

/** A door that opens and closes until there are so many events, and the platform has written them. */
async function raise(platform: OwnPlatform, api: ApiClient, events: number): Promise<void> {
  if (events === 0) return
  const when = { kind: 'threshold', metric: 'door_open', equals: true }
  await api.request('POST', '/rules', { name: 'Door open', class: 'maintenance', severity: 'warning', when })
  const { password } = (await api.provision([{ id: 'door', type: 'fridge' }])).get('door')!
  const device = await connectAsync(platform.mqttUrl, { clientId: 'door', username: 'door', password })
  const from = Date.now() - events
  for (let first = 0; first < events; first += readingsPerMessage) {
    const readings = Array.from({ length: Math.min(readingsPerMessage, events - first) }, (_, i) => ({
      ts: from + first + i,
      values: { door_open: (first + i) % 2 === 0 },
    }))
    await device.publishAsync('devices/door/telemetry', JSON.stringify(readings), { qos: 1 })
  }
  await device.endAsync()
  const last = `/events?limit=1&after=${events - 1}`
  while ((await api.request<{ items: unknown[] }>('GET', last)).items.length === 0) await delay(200)
}

async function measure(
  browser: Browser,
  url: string,
  token: string,
  fleet: Pick<Figures, 'devices' | 'events'>,
): Promise<Figures> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } })
  try {
    await context.addInitScript(`sessionStorage.setItem('tidemark.token', ${JSON.stringify(token)})`)
    const page: Page = await context.newPage()
    await page.goto(`${url}/`, { waitUntil: 'commit' })
    const figuresMs = await page.evaluate<number>(figuresAt)
    const paintMs = await page.evaluate<number>(paint)
    await page.evaluate('location.hash = "#/devices"')
    await page.locator('.device-rows tbody th').first().waitFor()
    const gaps = (await page.evaluate<number[]>(scroll)).sort((a, b) => a - b)
    const at = (q: number) => gaps[Math.floor(gaps.length * q)] ?? Number.NaN
    const rows = await page.locator('.device-rows tbody tr').count()
    return { ...fleet, paintMs, figuresMs, frameP50Ms: at(0.5), frameP95Ms: at(0.95), rows }
  } finally {
    await context.close()
  }
}

/** Each figure by itself: the round that paints in the middle need not scroll so. */
function medians(rounds: readonly Figures[]): Figures {
  const of = (name: keyof Figures) => round(median(rounds, (one) => one[name])[name])
  return {
    devices: of('devices'),
    events: of('events'),
    paintMs: of('paintMs'),
    figuresMs: of('figuresMs'),
    frameP50Ms: of('frameP50Ms'),
    frameP95Ms: of('frameP95Ms'),
    rows: of('rows'),
  }
}

const platform = new OwnPlatform(join(import.meta.dirname, '../bin/tidemark.js'))
if (chromiumPath === undefined) throw new Error('bench:dashboard needs chromium')
const browser = await openBrowser()
try {
  await platform.start()
  const api = new ApiClient(platform.httpUrl, platform.adminToken)
  const results: Figures[] = []
  for (const fleet of fleets) {
    const { devices, events } = fleet
    const ids = Array.from({ length: devices }, (_, i) => `meter-${String(i).padStart(5, '0')}`)
    for await (const _ of api.register(
      ids.map((id) => ({ id, type: 'smart_meter', labels: { site: 'berlin' } })),
    ));
    await raise(platform, api, events)
    const rounds: Figures[] = []
    for (let number = 1; number <= flags.rounds; number++) {
      process.stderr.write(`${devices} devices, round ${number}\n`)
      rounds.push(await measure(browser, platform.httpUrl, platform.adminToken, fleet))
    }
    results.push(medians(rounds))
  }
  const machine = { processors: cpus().length, load1m: round(loadavg()[0] ?? 0) }
  if (flags.json) process.stdout.write(`${JSON.stringify({ machine, rounds: flags.rounds, results })}\n`)
  else {
    process.stdout.write(
      `${machine.processors} processors, load ${machine.load1m}, medians of ${flags.rounds} rounds\n`,
    )
    for (const { devices, events, paintMs, figuresMs, frameP50Ms, frameP95Ms, rows } of results)
      process.stdout.write(
        `${devices} devices, ${events} events: overview painted after ${paintMs} ms, figures after ${figuresMs} ms; list: frames p50 ${frameP50Ms} ms, p95 ${frameP95Ms} ms, ${rows} rows in the document\n`,
      )
  }
} finally {
  await browser.close()
  await platform.stop()
}
