import { expect, onTestFinished, test } from 'vitest'
import type { DeliveredEvent } from '../../domain/event.ts'
import { webhookReceiver } from '../events/webhook-receiver.ts'
import { startPlatformProcess } from '../support/platform-process.ts'
import { smallDisk, smallDiskAvailable } from '../support/small-disk.ts'

const mib = 1024 * 1024
const secret = 'of-a-receiver-on-loopback'

test.runIf(smallDiskAvailable())(
  'a disk that fills raises an alarm, which leaves by a webhook before acknowledgement stops, and clears when there is room',
  async () => {
    const receiver = await webhookReceiver()
    const disk = smallDisk(256 * mib)
    const flags = ['--disk-free-bytes-min', '128MiB', '--webhook-allow-http']
    const platform = await startPlatformProcess(disk.path, [
      ...flags,
      '--webhook-allow-networks',
      '127.0.0.0/8',
    ])
    onTestFinished(async () => void (await platform.end('SIGKILL')))
    await platform.api.request('POST', '/webhooks', { id: 'w', url: receiver.url, secret })
    const states = () => receiver.received.map(({ event }) => (event as DeliveredEvent).data.state)
    expect((await platform.api.metrics()).get('tidemark_disk_free_bytes')).toBeGreaterThan(128 * mib)
    disk.fill(100 * mib)
    await expect.poll(states, { timeout: 30_000 }).toEqual(['raised'])
    expect(receiver.received[0]!.event).toMatchObject({
      source: '/platform',
      data: { rule: 'platform:disk-free', severity: 'critical', threshold: 128 * mib },
    })
    expect(platform.stderr()).toContain('TIDEMARK_DISK_LOW')
    const { items } = await platform.api.request<{ items: object[] }>('GET', '/alarms?state=active')
    expect(items).toMatchObject([{ rule: 'platform:disk-free', condition: 'active' }])
    disk.empty()
    await expect.poll(states, { timeout: 30_000 }).toEqual(['raised', 'cleared'])
  },
  90_000,
)
