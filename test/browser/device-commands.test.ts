import { connectAsync } from 'mqtt'
import { expect, onTestFinished, test } from 'vitest'
import { chromiumPath, openBrowser } from '../../bench/services/chromium.ts'
import { boundMs, newVisitor, signIn } from '../support/browser.ts'
import { startPlatformProcess } from '../support/platform-process.ts'
import { tempDir } from '../support/temp-dir.ts'

test.skipIf(chromiumPath === undefined)(
  'a command is sent from the page of its device, its answer appears, and one that waits is cancelled',
  async () => {
    const platform = await startPlatformProcess(tempDir(), ['--log-level', 'error'])
    onTestFinished(async () => void (await platform.end('SIGKILL')))
    const browser = await openBrowser()
    onTestFinished(() => browser.close())
    const credentials = await platform.api.provision([{ id: 'valve-1', type: 'generic' }])
    const { page, errors } = await newVisitor(browser, platform.httpUrl)
    await signIn(page, platform.httpUrl, '#/devices/valve-1')
    const send = async (name: string, payload: string) => {
      await page.getByLabel('Command', { exact: true }).fill(name)
      await page.getByLabel('Payload, as JSON').fill(payload)
      await page.getByRole('button', { name: 'Send' }).click()
    }
    const rowOf = (name: string) => page.getByRole('row', { name })
    const shows = (name: string, text: string) =>
      expect.poll(() => rowOf(name).innerText(), { timeout: boundMs, interval: 100 }).toContain(text)

    await send('open', '{"angle":')
    await page.getByText(/JSON/).and(page.getByRole('alert')).waitFor()
    await send('close', '{}')
    await shows('close', 'queued')
    await rowOf('close').getByRole('button', { name: 'Cancel' }).click()
    await shows('close', 'cancelled')

    const { password } = credentials.get('valve-1')!
    const device = await connectAsync(platform.mqttUrl, {
      clientId: 'valve-1',
      username: 'valve-1',
      password,
    })
    onTestFinished(() => device.endAsync(true))
    device.on('message', (topic, payload) => {
      const { angle } = JSON.parse(payload.toString()).payload
      void device.publishAsync(`${topic}/response`, JSON.stringify({ status: 'failed', stuckAt: angle }), {
        qos: 1,
      })
    })
    await device.subscribeAsync('devices/valve-1/commands/+', { qos: 1 })
    await send('open', '{"angle":90}')
    await shows('open', 'failed')
    await shows('open', '"stuckAt":90')

    const { token } = await platform.api.request<{ token: string }>('POST', '/tokens', {
      name: 'viewer',
      role: 'read',
    })
    const viewer = await newVisitor(browser, platform.httpUrl)
    await signIn(viewer.page, platform.httpUrl, '#/devices/valve-1', token)
    await viewer.page.getByText('Sending commands needs the role operate').waitFor()
    await viewer.page.getByRole('row', { name: 'open' }).waitFor()
    expect(await viewer.page.getByRole('button', { name: 'Send' }).count()).toBe(0)
    expect(errors).toEqual([])
  },
  60_000,
)
