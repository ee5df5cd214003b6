import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { AxeResults } from 'axe-core'
import { connectAsync } from 'mqtt'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { chromiumPath, openBrowser } from '../../bench/services/chromium.ts'
import { boundMs, newVisitor, pictureFolder, signIn } from '../support/browser.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { newTempDir } from '../support/temp-dir.ts'

const dir = newTempDir()
let platform: PlatformProcess
let browser: Browser
let pictures: string

beforeAll(async () => {
  if (chromiumPath === undefined) return
  platform = await startPlatformProcess(dir.path, ['--demo'])
  browser = await openBrowser()
  pictures = pictureFolder()
  process.stderr.write(`pictures of the dashboard: ${pictures}\n`)
  await sendAll('broken-one', 'generic', [
    '{"temperature_c": 21.5',
    '{"ok": [1, 2]}',
    Buffer.from([0xff, 0x00]),
  ])
  await sendAll('cold-store-7', 'fridge', pastReadings(180, 20_000, coldStore))
  await sendAll('meter-7', 'smart_meter', pastReadings(49, 3_600_000, meter))
})

afterAll(async () => {
  await browser?.close()
  await platform?.end('SIGTERM')
  dir.remove()
})

/** Registers a device and publishes its messages. */
async function sendAll(id: string, type: string, payloads: readonly (string | Buffer)[]): Promise<void> {
  const { credentials } = await platform.api.request<{ credentials: { password: string } }>(
    'POST',
    '/devices',
    { id, type, labels: { site: 'berlin' } },
  )
  const options = { clientId: id, username: id, password: credentials.password }
  const device = await connectAsync(platform.mqttUrl, options)
  await Promise.all(
    payloads.map((payload) => device.publishAsync(`devices/${id}/telemetry`, payload, { qos: 1 })),
  )
  await device.endAsync()
}

/** Messages of the past up to now, so that there is something to draw. */
function pastReadings(count: number, everyMs: number, values: (n: number) => object): string[] {
  const start = Date.now() - (count - 1) * everyMs
  return Array.from({ length: count }, (_, n) =>
    JSON.stringify({ ts: start + n * everyMs, values: values(n) }),
  )
}

const coldStore = (n: number) => ({
  temperature_c: 4 + 1.2 * Math.sin(n / 6) + 0.4 * Math.sin(n * 2.3),
  power_w: Math.sin(n / 6) > 0 ? 92 : 4,
  door_open: n > 120 && n < 126,
})
const meter = (n: number) => ({
  energy_import_kwh: 1_200 + n * 0.45 + 0.3 * Math.sin(n / 3),
  energy_export_kwh: 300 + n * 0.3 - 1.5 * Math.sin((n * Math.PI) / 12),
})

/** Every page, and what is there once it has loaded. */
const pages: readonly (readonly [name: string, hash: string, ready: string])[] = [
  ['overview', '', '.tile:nth-child(2) .tile-value:not(:text-is("–"))'],
  ['live', '#/live', '.ranked tbody tr'],
  ['devices', '#/devices', '.device-rows tbody th'],
  ['device', '#/devices/cold-store-7?metric=temperature_c', '.chart canvas'],
  ['alarms', '#/alarms', '.alarm-rows tbody tr'],
  ['past', '#/alarms?show=past', '.past-rows tbody tr'],
  ['rejected', '#/rejected', '.letter'],
  ['rules', '#/rules', '.rule-rows tbody tr'],
  ['rule', '#/rules/demo-fridge-door', '.rule-editor'],
  ['energy', '#/energy/meter-7', '.energy-tiles'],
]

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** All of WCAG 2.2 A and AA, and what is good practice; or what another scheme of colours may change alone. */
const allRules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
const contrast = { type: 'rule', values: ['color-contrast'] }

/** Breaches that axe finds serious or critical; a line for each. */
async function breaches(page: Page, runOnly: object): Promise<string[]> {
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axeSource)
  // Of what passes only the number is asked for: listing it takes most of the time.
  const options = { runOnly, resultTypes: ['violations'], preload: false }
  const { violations } = (await page.evaluate(`axe.run(document, ${JSON.stringify(options)})`)) as AxeResults
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`))
}

async function show(page: Page, hash: string, ready: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash || '#/overview')}`)
  await page.locator(ready).first().waitFor({ timeout: boundMs })
}

const sizes: readonly (readonly [name: string, options: BrowserContextOptions])[] = [
  ['desktop light', { viewport: { width: 1280, height: 860 }, colorScheme: 'light' }],
  ['desktop dark', { viewport: { width: 1280, height: 860 }, colorScheme: 'dark' }],
  [
    'phone light',
    { viewport: { width: 360, height: 740 }, colorScheme: 'light', hasTouch: true, isMobile: true },
  ],
]

describe.skipIf(chromiumPath === undefined)('the dashboard', () => {
  test.each(sizes)('has pages that fit, read and pass axe: %s', async (name, options) => {
    const { page, foreign, errors } = await newVisitor(browser, platform.httpUrl, options)
    const runOnly = options.colorScheme === 'dark' ? contrast : allRules
    onTestFinished(() => page.context().close())
    await page.goto(`${platform.httpUrl}/`)
    await page.getByLabel('Access token').waitFor()
    await page.screenshot({ path: join(pictures, `sign-in ${name}.png`) })
    expect(await breaches(page, runOnly), 'sign-in').toEqual([])
    await signIn(page, platform.httpUrl)
    for (const [title, hash, ready] of pages) {
      await show(page, hash, ready)
      await page.screenshot({ path: join(pictures, `${title} ${name}.png`) })
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect(overflow, `${title} is wider than the screen`).toBeLessThanOrEqual(0)
      expect(await breaches(page, runOnly), title).toEqual([])
    }
    expect({ foreign, errors }).toEqual({ foreign: [], errors: [] })
  })

  test('follows the scheme of the system', async () => {
    const { page } = await newVisitor(browser, platform.httpUrl, { colorScheme: 'dark' })
    onTestFinished(() => page.context().close())
    await page.goto(`${platform.httpUrl}/`)
    const background = () => page.evaluate('getComputedStyle(document.body).backgroundColor')
    expect(await background()).toBe('rgb(13, 16, 21)')
    await page.emulateMedia({ colorScheme: 'light' })
    expect(await background()).toBe('rgb(245, 246, 248)')
  })

  test('is used by keyboard: the first stop skips the menu, a dialog keeps the focus and gives it back', async () => {
    const { page } = await newVisitor(browser, platform.httpUrl)
    onTestFinished(() => page.context().close())
    await signIn(page, platform.httpUrl, '#/devices')
    const focused = () => page.evaluate('document.activeElement.textContent || document.activeElement.id')
    await page.getByRole('button', { name: 'Add a device' }).waitFor()
    await page.evaluate('document.activeElement.blur()')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Skip to the page')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Add a device')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    for (let i = 0; i < 8; i++) {
      await page.keyboard.press('Tab')
      expect(
        await page.evaluate(
          'document.activeElement === document.body || !!document.activeElement.closest("dialog")',
        ),
      ).toBe(true)
    }
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await focused()).toBe('Add a device')
    await page
      .getByRole('navigation', { name: 'Pages', exact: true })
      .getByRole('link', { name: 'Rules' })
      .focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Rules', level: 1 }).waitFor()
    expect(await focused()).toBe('Rules')
  })
})
