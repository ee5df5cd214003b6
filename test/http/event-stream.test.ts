import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { StreamedEvents } from '../../http/event-stream.ts'
import { StreamClient, type StreamLimits } from '../../http/server-sent-events.ts'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import { tempDir } from '../support/temp-dir.ts'
import { appendEvents, eventOf } from './api.ts'

/** A server that streams events from the first one on, and a bare socket that has asked for them. */
async function streaming(limits: StreamLimits) {
  const log = await openLmdbLog({ path: join(tempDir(), 'log') })
  const read = vi.spyOn(log, 'read')
  let ended = 0
  const server = createServer((_request, response) => {
    response.writeHead(200)
    const client = new StreamClient(response, new AbortController().signal, limits)
    void new StreamedEvents(log).send(client, 0, {}).then(() => {
      client.close()
      ended++
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  onTestFinished(async () => {
    socket.destroy()
    await expect.poll(() => ended).toBe(1)
    await new Promise((resolve) => server.close(resolve))
    await log.close()
  })
  return { log, read, socket, ended: () => ended }
}

const large = 'x'.repeat(20_000)
const events = Array.from({ length: 2_000 }, (_, n) => {
  const event = eventOf(n)
  return { ...event, data: { ...event.data, message: large } }
})

test('for a client that does not read, the log is not read either; it gets everything once it reads', async () => {
  const { log, read, socket } = await streaming({ heartbeatMs: 15_000, stalledMsMax: 30_000 })
  socket.pause()
  await appendEvents(log, events)
  const readSoFar = () =>
    read.mock.results.reduce((sum, { value }) => sum + (Array.isArray(value) ? value.length : 0), 0)
  let before = -1
  await expect
    .poll(
      () => {
        const now = readSoFar()
        const isStill = now === before && now > 0
        before = now
        return isStill
      },
      { interval: 300, timeout: 10_000 },
    )
    .toBe(true)
  // 40 MB wait in the log; the socket's buffers hold what was read.
  expect(readSoFar()).toBeLessThan(1_500)
  let ids = 0
  let begun = ''
  socket.on('data', (chunk) => {
    const lines = (begun + chunk.toString('latin1')).split('\n')
    begun = lines.pop()!
    ids += lines.filter((line) => line.startsWith('id: ')).length
  })
  socket.resume()
  await expect.poll(() => ids, { timeout: 20_000 }).toBe(2_000)
})

test('a client that takes nothing for too long is cut off', async () => {
  const { log, socket, ended } = await streaming({ heartbeatMs: 15_000, stalledMsMax: 200 })
  socket.pause()
  await appendEvents(log, events)
  await expect.poll(ended, { timeout: 10_000 }).toBe(1)
})

test('silence is filled with comments, which carry no id', async () => {
  const { log, socket } = await streaming({ heartbeatMs: 50, stalledMsMax: 30_000 })
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString()
  })
  await expect.poll(() => text.match(/^: heartbeat$/gm)?.length ?? 0).toBeGreaterThan(2)
  expect(text).not.toMatch(/^id:/m)
  await appendEvents(log, [eventOf(0)])
  await expect.poll(() => text).toMatch(/^id: 00000000000000000001$/m)
})
