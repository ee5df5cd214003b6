import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { chromiumPath, openBrowser } from '../../bench/services/chromium.ts'
import { boundMs, newVisitor, pictureFolder, signIn } from '../support/browser.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { newTempDir } from '../support/temp-dir.ts'

const dir = newTempDir()
let platform: PlatformProcess
let browser: Browser

beforeAll(async () => {
  if (chromiumPath === undefined) return
  platform = await startPlatformProcess(dir.path)
  browser = await openBrowser()
})

afterAll(async () => {
  await browser?.close()
  await platform?.end('SIGTERM')
  dir.remove()
})

/** A meter at a site; what it is given is sent as its load. */
async function meterAt(site: string, id: string) {
  const { credentials } = await platform.api.request<{ credentials: { password: string } }>(
    'POST',
    '/devices',
    { id, type: 'smart_meter', labels: { site } },
  )
  const device = await connectAsync(platform.mqttUrl, {
    clientId: id,
    username: id,
    password: credentials.password,
  })
  onTestFinished(() => device.endAsync(true))
  return (active_power_w: number, ts = Date.now()) =>
    device.publishAsync(`devices/${id}/telemetry`, JSON.stringify({ ts, values: { active_power_w } }), {
      qos: 1,
    })
}

const poll = <T>(read: () => Promise<T>) => expect.poll(read, { timeout: boundMs, interval: 100 })
const minuteMs = 60_000

describe.skipIf(chromiumPath === undefined)('the live page in Chromium', () => {
  test('says what to do without devices, then shows the load by site as it moves, and who has most and least', async () => {
    const { page, foreign, errors } = await newVisitor(browser, platform.httpUrl)
    onTestFinished(() => page.context().close())
    await signIn(page, platform.httpUrl, '#/live')
    await page.getByText('There are no devices yet').waitFor()
    const [east, west, small] = [
      await meterAt('east', 'east-1'),
      await meterAt('west', 'west-1'),
      await meterAt('west', 'west-2'),
    ]
    await page.reload()
    await page.getByText('No smart_meter has sent active_power_w in this time').waitFor()
    // One moment for all of the test: it would else end in another minute than it began, now and then.
    const now = Date.now()
    // Minutes ago are closed as soon as now has come.
    for (let ago = 12; ago > 0; ago--) {
      const load = 200 + 80 * Math.sin(ago / 2)
      await Promise.all(
        [east, west].map((send, i) => send(ago === 12 ? 10 : load / (i + 1), now - ago * minuteMs)),
      )
    }
    await Promise.all([east(300, now), west(40, now), small(2, now)])
    await page.reload()
    const chart = page.getByRole('img', { name: /^Sum of active_power_w by site/ })
    await poll(() => chart.getAttribute('aria-label')).toMatch(/still open: east 300 W, west 42 W$/)
    await page.getByText('moves as readings come').waitFor()
    const ranked = (title: string) =>
      page.getByRole('region', { name: title }).locator('tbody tr').allInnerTexts()
    const first = async (title: string) =>
      (await ranked(title)).map((row) => row.split(/\s+/).slice(0, 3).join(' '))
    await poll(() => first('Highest now')).toEqual(['east-1 300 W', 'west-1 40 W', 'west-2 2 W'])
    await poll(() => first('Lowest now')).toEqual(['west-2 2 W', 'west-1 40 W', 'east-1 300 W'])

    // Nothing is reloaded from here on: what changes has come by the stream.
    await Promise.all([small(500, now + 1), east(301, now + 1)])
    await poll(() => chart.getAttribute('aria-label')).toMatch(/still open: east 301 W, west 540 W$/)
    await poll(() => first('Highest now')).toEqual(['west-2 500 W', 'east-1 301 W', 'west-1 40 W'])
    await page.screenshot({ path: join(pictureFolder(), 'live.png') })
    await page.getByText('As a table').click()
    const rows = page.locator('.live-table tbody tr')
    expect(await rows.first().innerText()).toMatch(/301\s+540\s+provisional$/)
    expect(await rows.last().innerText()).toMatch(/10\s+10\s+closed$/)

    await page.getByLabel('Line for each').selectOption('all devices')
    await page.getByLabel('Function').selectOption('greatest')
    await poll(() => page.locator('.live-curve .chart').getAttribute('aria-label')).toMatch(
      /^Greatest of active_power_w: .*all devices 500 W$/,
    )
    await page.getByLabel('Type').selectOption('fridge')
    await page.getByText('Nobody has reported').first().waitFor()
    await page.getByText('No fridge has sent').waitFor()
    expect({ foreign, errors }).toEqual({ foreign: [], errors: [] })
  })

  test('tells what came too late to be counted, and says when it is not live', async () => {
    const { page } = await newVisitor(browser, platform.httpUrl)
    onTestFinished(() => page.context().close())
    const send = await meterAt('north', 'north-1')
    await send(7)
    await send(8, Date.now() - 30 * minuteMs)
    await signIn(page, platform.httpUrl, '#/live')
    await page.locator('.left-out').getByText('1 reading that came after its minute was closed').waitFor()
    await page.getByText('moves as readings come').waitFor()
    await platform.end('SIGKILL')
    await page.getByText('not live: looks every 3 s').waitFor()
    await platform.restart()
    await page.getByText('moves as readings come').waitFor()
  })
})
