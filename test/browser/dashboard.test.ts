import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { connectAsync, type MqttClient } from 'mqtt'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { chromiumPath, openBrowser } from '../../bench/services/chromium.ts'
import { boundMs, newVisitor, seenAt, signIn, tell } from '../support/browser.ts'
import {
  adminToken,
  type PlatformProcess,
  repositoryRoot,
  startPlatformProcess,
} from '../support/platform-process.ts'
import { newTempDir } from '../support/temp-dir.ts'

const run = promisify(execFile)
const hasMosquitto = await run('mosquitto_pub', ['--help']).then(
  () => true,
  (error: { code?: unknown }) => error.code !== 'ENOENT',
)
const dir = newTempDir()
let platform: PlatformProcess
let browser: Browser
/** When the platform was told to start. */
let startedAt: number

beforeAll(async () => {
  if (chromiumPath === undefined) return
  browser = await openBrowser()
  startedAt = Date.now()
  platform = await startPlatformProcess(dir.path, ['--demo'])
})

afterAll(async () => {
  await browser?.close()
  await platform?.end('SIGTERM')
  dir.remove()
})

/** A signed-in page that asked nobody else for anything and had no error by the end of the test. */
async function visit(hash: string, token?: string): Promise<Page> {
  const { page, foreign, errors } = await newVisitor(browser, platform.httpUrl)
  onTestFinished(async () => {
    await page.context().close()
    expect({ foreign, errors }).toEqual({ foreign: [], errors: [] })
  })
  await signIn(page, platform.httpUrl, hash, token)
  return page
}

async function newDevice(id: string, type: string): Promise<MqttClient> {
  const { credentials } = await platform.api.request<{ credentials: { username: string; password: string } }>(
    'POST',
    '/devices',
    { id, type },
  )
  return connected(id, credentials.password)
}

async function connected(id: string, password: string): Promise<MqttClient> {
  const client = await connectAsync(platform.mqttUrl, { clientId: id, username: id, password })
  onTestFinished(() => client.endAsync(true))
  return client
}

const number = (text: string) => Number(text.replaceAll(',', '').match(/[\d.]+/)?.[0])
const poll = <T>(read: () => Promise<T>) => expect.poll(read, { timeout: boundMs, interval: 100 })

describe.skipIf(chromiumPath === undefined)('the dashboard in Chromium', () => {
  test('the overview shows the demo fleet moving, and that every message is accounted for', async () => {
    const readyAt = Date.now()
    const page = await visit('')
    const moving = await seenAt(page, '.tile:nth-child(2) .tile-value', /[1-9]/)
    tell('from the start of the platform to the demo fleet moving on the page', moving - startedAt, 10_000)
    tell('of these from the first request of the page', moving - readyAt, 10_000)
    const tile = (label: string) => page.locator('.tile', { hasText: label }).locator('.tile-value')
    // Needs two looks at the counters; from then on the messages are what the page counted too.
    await poll(async () => number(await tile('Readings stored').innerText())).toBeGreaterThan(0)
    await poll(async () => number(await tile('Messages').innerText())).toBeGreaterThan(0)
    await poll(async () => number(await tile('Devices online').innerText())).toBeGreaterThan(5)
    await poll(() => tile('Acknowledged within').innerText()).toMatch(/ m?s$/)
    const terms = page.locator('.equation strong')
    const sum = async () => (await terms.allInnerTexts()).map(number)
    await poll(async () => (await sum())[1]).toBeGreaterThan(0)
    const [acknowledged = 0, ...others] = await sum()
    expect(others.reduce((all, one) => all + one, 0)).toBe(acknowledged)
    await page.getByText('It adds up').waitFor()
    await page.getByRole('status').filter({ hasText: 'Live' }).waitFor()
    const consumers = await page
      .getByRole('region', { name: 'Consumers of the log' })
      .locator('tbody th')
      .all()
    expect(consumers.length).toBeGreaterThan(5)
    for (const consumer of consumers) expect(await consumer.innerText()).toMatch(/^[a-z-]+ \w+ .+/)
  })

  test('signs in with a token, refuses a wrong one, and keeps it for this tab only', async () => {
    const { page, foreign, errors } = await newVisitor(browser, platform.httpUrl)
    onTestFinished(() => page.context().close())
    await page.goto(`${platform.httpUrl}/`)
    const field = page.getByLabel('Access token')
    await field.fill('not-the-token')
    await field.press('Enter')
    await page.getByText('The platform does not know this token.').waitFor()
    expect(await field.getAttribute('aria-invalid')).toBe('true')
    await field.fill(adminToken)
    await field.press('Enter')
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    const kept = await page.evaluate('JSON.stringify([Object.keys(localStorage), document.cookie])')
    expect(kept).toBe('[[],""]')
    const otherTab = await page.context().newPage()
    await otherTab.goto(`${platform.httpUrl}/`)
    await otherTab.getByLabel('Access token').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Access token').waitFor()
    expect({ foreign, errors }).toEqual({ foreign: [], errors: [] })
  })

  test('a device is added, publishes with its connect line, and its row and values appear', async () => {
    const page = await visit('#/devices')
    await page.getByRole('button', { name: 'Add a device' }).click()
    await page.getByLabel('Id', { exact: true }).fill('bad id')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByText('expected ^[A-Za-z0-9]').waitFor()
    await page.getByLabel('Id', { exact: true }).fill('new-fridge')
    await page.getByLabel('Type').last().selectOption('fridge')
    await page.getByLabel('Labels').fill('site=lisbon, floor=2')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    const copied = (label: string) =>
      page.locator('.copy-block', { hasText: label }).locator('pre').innerText()
    await page.getByText('From a program').click()
    const [exported, line] = [
      await copied('shell, first'),
      await copied(hasMosquitto ? 'mosquitto_pub' : 'Node.js'),
    ]
    const ran = hasMosquitto ? line : `node --input-type=module <<'END'\n${line}\nEND`
    await page.getByRole('link', { name: 'Open new-fridge' }).click()
    await page.getByText('It has sent nothing yet').waitFor()
    const seen = seenAt(page, '.values tr', /temperature_c/)
    await run('sh', ['-c', `${exported}\n${ran}`], { cwd: repositoryRoot })
    const rowAt = await seen
    const { values } = await platform.api.request<{ values: { temperature_c: { time: string } } }>(
      'GET',
      '/devices/new-fridge/latest',
    )
    tell('from the arrival of a reading to its row', rowAt - Date.parse(values.temperature_c.time), 1_000)
    await page.getByRole('heading', { name: 'new-fridge', level: 1 }).waitFor()
    const row = page.locator('.values tr', { hasText: 'temperature_c' })
    expect(await row.innerText()).toMatch(/\s1\s*°C/)
    await page.getByRole('img', { name: /^temperature_c: 1 window of 5s/ }).waitFor()
    await page.goto(`${platform.httpUrl}/#/devices?label=site%3Dlisbon`)
    const listed = page.getByRole('row', { name: /new-fridge/ })
    await listed.waitFor()
    expect(await listed.innerText()).toContain('floor=2')
    await page.getByText('1 device', { exact: true }).waitFor()
  })

  test('a message that is no JSON shows under Rejected with its reason and itself, and can be replayed', async () => {
    const device = await newDevice('broken-one', 'generic')
    await device.publishAsync('devices/broken-one/telemetry', '{"temperature_c": 21.5', { qos: 1 })
    const page = await visit('#/rejected?device=broken-one')
    const letter = page.getByRole('listitem').filter({ hasText: 'broken-one' })
    await letter.waitFor()
    expect(await letter.innerText()).toContain('payload.not_json')
    expect(await letter.locator('pre').innerText()).toBe('{"temperature_c": 21.5')
    await letter.getByRole('button', { name: /Replay/ }).click()
    await page.getByText('1 message replayed').waitFor()
    await device.publishAsync('devices/broken-one/telemetry', 'second', { qos: 1 })
    await page.getByText('second', { exact: true }).waitFor()
  })

  test('a rule is made by form, tried on history, enabled; its alarm appears live and is acknowledged', async () => {
    const device = await newDevice('warm-one', 'fridge')
    const send = (values: object) =>
      device.publishAsync('devices/warm-one/telemetry', JSON.stringify(values), { qos: 1 })
    await send({ ts: Date.now() - 60_000, values: { temperature_c: 12 } })
    await send({ ts: Date.now() - 30_000, values: { temperature_c: 4 } })
    const page = await visit('#/rules?new=1')
    await page.getByLabel('Id', { exact: true }).fill('too warm')
    await page.getByLabel('Name').fill('Too warm')
    await page.getByLabel('Limit').fill('8')
    await page.getByLabel('For', { exact: true }).fill('soon')
    await page.getByRole('button', { name: 'Create' }).click()
    for (const label of ['For', 'Id'])
      await poll(() => page.getByLabel(label, { exact: true }).getAttribute('aria-invalid')).toBe('true')
    await page.getByLabel('Id', { exact: true }).fill('too-warm')
    await page.getByLabel('For', { exact: true }).fill('')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { name: 'Too warm', level: 1 }).waitFor()
    await page.getByRole('button', { name: 'Test', exact: true }).click()
    const tried = page.getByRole('row', { name: /warm-one/ })
    await tried.waitFor()
    expect(await tried.innerText()).toContain('30 s')
    await page.getByRole('button', { name: 'Enable' }).click()
    await page.getByRole('button', { name: 'Disable' }).waitFor()
    await page
      .getByRole('navigation', { name: 'Pages', exact: true })
      .getByRole('link', { name: /Alarms/ })
      .click()
    await page.getByRole('heading', { name: 'Alarms', level: 1 }).waitFor()
    await send({ temperature_c: 9.5 })
    const row = page.getByRole('row', { name: /warm-one/ })
    await row.waitFor()
    expect(await row.innerText()).toMatch(/major[\s\S]*9\.5/)
    await row.getByRole('button', { name: /Acknowledge/ }).click()
    await row.getByText('up, acknowledged').waitFor()
    await row.getByRole('button', { name: /More/ }).click()
    await page.getByLabel('New comment').fill('looked at it')
    await page.getByRole('button', { name: 'Comment', exact: true }).click()
    await page.locator('.comments').getByText('looked at it').waitFor()
    await page.keyboard.press('Escape')
    await send({ temperature_c: 4 })
    await page.getByRole('link', { name: 'Past' }).click()
    await page.getByRole('row', { name: /warm-one/ }).waitFor()
  })

  test('a rule of another kind is made by form as it is typed, and what the platform refuses is told at the field', async () => {
    const page = await visit('#/rules?new=1')
    const field = (label: string) => page.getByLabel(label, { exact: true })
    await field('Id').fill('mean-too-high')
    await field('Name').fill('Mean too high')
    await field('Condition').selectOption('aggregate')
    expect(await field('Metric').inputValue()).toBe('temperature_c')
    await field('Figure').selectOption('p90')
    await field('Limit').fill('')
    await field('Limit').pressSequentially('9.50')
    expect(await field('Limit').inputValue()).toBe('9.50')
    await field('Window').fill('a while')
    await field('Plausible').fill('50, 0')
    await page.getByRole('button', { name: 'Create' }).click()
    for (const label of ['Window', 'Plausible'])
      await poll(() => field(label).getAttribute('aria-invalid')).toBe('true')
    expect(await field('Limit').getAttribute('aria-invalid')).toBe('false')
    await field('Window').fill('10m')
    await field('Plausible').fill('0, 50')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { name: 'Mean too high', level: 1 }).waitFor()
    const { when } = await platform.api.request<{ when: object }>('GET', '/rules/mean-too-high')
    expect(when).toEqual({
      kind: 'aggregate',
      metric: 'temperature_c',
      fn: 'p90',
      window: '10m',
      minCount: 1,
      plausible: [0, 50],
      above: 9.5,
    })
    await field('Condition').selectOption('absence')
    await field('For longer than').fill('3 intervals')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Version 2 is kept').waitFor()
    const changed = await platform.api.request<{ when: object }>('GET', '/rules/mean-too-high')
    expect(changed.when).toMatchObject({ kind: 'absence', longerThan: { intervals: 3 } })
    await page.locator('.versions summary', { hasText: 'Version 2' }).click()
    await page.locator('.difference ins', { hasText: '"kind": "absence"' }).waitFor()
    await page.locator('.difference del', { hasText: '"kind": "aggregate"' }).waitFor()
  })

  test('a pack of rules is installed, and its rules are in the list', async () => {
    const page = await visit('#/rules')
    await page.getByRole('button', { name: 'Install a pack' }).click()
    await page.getByRole('button', { name: 'Install gas', exact: true }).click()
    await page.getByText('The pack gas is installed').waitFor()
    await page.keyboard.press('Escape')
    const { items } = await platform.api.request<{ items: { id: string; labels: { pack?: string } }[] }>(
      'GET',
      '/rules?limit=1000',
    )
    const ids = items.filter(({ labels }) => labels.pack === 'gas').map(({ id }) => id)
    expect(ids.length).toBeGreaterThan(0)
    for (const id of ids) await page.locator('.rule-rows th', { hasText: id }).first().waitFor()
  })

  test('a token is offered what its role may do, and told what it may not', async () => {
    const tokenOf = async (role: string) =>
      (await platform.api.request<{ token: string }>('POST', '/tokens', { name: `my ${role}`, role })).token
    const page = await visit('#/devices', await tokenOf('read'))
    const offered = (name: string | RegExp) => page.getByRole('button', { name })
    const told = (needs: string) => page.getByText(`needs the role ${needs}; this token has read`)
    await page.getByText('my read, role read').waitFor()
    /** Each page with what it tells, what it does not offer, and what is there when it has loaded. */
    const pages = [
      ['#/devices', 'admin', 'Add a device', '.device-rows tbody th'],
      ['#/devices/demo-fridge-1', 'admin', 'New secret', '.values tbody tr'],
      ['#/alarms', 'operate', /^Acknowledge/, '.alarm-rows tbody tr'],
      ['#/rejected', 'operate', /^Replay/, 'main .filters'],
      ['#/rules', 'admin', 'Install a pack', '.rule-rows tbody tr'],
      ['#/rules/demo-fridge-door', 'admin', /^(Save|Delete|Disable|Enable)$/, '.rule-editor'],
    ] as const
    for (const [hash, needs, action, ready] of pages) {
      await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
      await page.locator(ready).first().waitFor()
      await told(needs).first().waitFor()
      expect(await offered(action).count(), hash).toBe(0)
    }
    // Trying a rule changes nothing.
    await offered('Test').click()
    await page.getByText('It would have been up').waitFor()

    const operator = await visit('#/alarms', await tokenOf('operate'))
    await operator
      .locator('.alarm-rows')
      .getByRole('button', { name: /^Acknowledge/ })
      .first()
      .waitFor()
    await operator.evaluate('location.hash = "#/devices"')
    await operator.getByText('Adding a device needs the role admin; this token has operate').waitFor()
  })

  test('an edit of a rule that somebody changed meanwhile is told, and nothing is overwritten', async () => {
    const rule = {
      id: 'contended',
      name: 'Contended',
      class: 'maintenance',
      severity: 'minor',
      select: { types: ['fridge'] },
      when: { kind: 'threshold', metric: 'temperature_c', above: 30 },
    }
    await platform.api.request('POST', '/rules', rule)
    const page = await visit('#/rules/contended')
    await page.getByLabel('Name').fill('Mine')
    // Another window of the same administrator: enabling makes a version too.
    await platform.api.request('POST', '/rules/contended:disable')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Nothing was overwritten').waitFor()
    const kept = await platform.api.request<{ name: string; version: number }>('GET', '/rules/contended')
    expect(kept).toMatchObject({ name: 'Contended', version: 2 })
    expect(await page.getByLabel('Name').inputValue()).toBe('Mine')
    await page.getByRole('button', { name: /Go on with mine/ }).click()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'Mine', level: 1 }).waitFor()
  })

  test('a connection that is lost is shown, and what is shown goes on when it is back', async () => {
    const page = await visit('')
    const sign = page.locator('.connection')
    await poll(() => sign.innerText()).toBe('Live')
    await platform.end('SIGKILL')
    await poll(() => sign.innerText()).toBe('Connection lost')
    await page.getByRole('alert').filter({ hasText: 'what is shown may be old' }).waitFor()
    await platform.restart()
    await poll(() => sign.innerText()).toBe('Live')
    await page.getByRole('alert').waitFor({ state: 'detached' })
    const first = page.locator('.equation strong').first()
    const before = number(await first.innerText())
    await poll(async () => number(await first.innerText())).toBeGreaterThan(before)
  })
})
