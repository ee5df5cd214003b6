import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type Fault, faultyProxy } from './faulty-proxy.ts'

/** A client of a server that answers what it is sent, through a proxy; with what it received and how it ended. */
async function echoThrough(fault: Fault) {
  const server = createServer((socket) => void socket.on('error', () => undefined).pipe(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const proxy = await faultyProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, fault)
  const socket = connect(proxy.port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  const seen = { received: '', error: '' }
  socket.setEncoding('latin1').on('data', (text) => {
    seen.received += text
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    seen.error = error.code ?? ''
  })
  const closed = new Promise((resolve) => socket.once('close', resolve))
  return { proxy, socket, seen, closed }
}

test('passes on both ways, and the end too', async () => {
  const { socket, seen, closed } = await echoThrough({})
  socket.end('x'.repeat(1_000_000))
  await closed
  expect([seen.received.length, seen.error]).toEqual([1_000_000, ''])
})

test('hangs, and passes on what it held', async () => {
  const { proxy, socket, seen } = await echoThrough({ hangs: true })
  socket.write('held')
  // A second one gets as far as the first within the same time.
  const { socket: other, seen: passed } = await echoThrough({})
  other.write('passed')
  await expect.poll(() => passed.received).toBe('passed')
  expect(seen.received).toBe('')
  proxy.set({})
  await expect.poll(() => seen.received).toBe('held')
})

test('hangs at a text, and tells of it', async () => {
  const { proxy, socket, seen } = await echoThrough({ hangsAt: 'GET /held' })
  socket.write('GET /passed')
  await expect.poll(() => seen.received).toBe('GET /passed')
  socket.write('GET /held')
  await proxy.hanging
  expect(seen.received).toBe('GET /passed')
})

test('resets what is connected and what comes', async () => {
  const { proxy, socket, seen, closed } = await echoThrough({})
  socket.write('a')
  await expect.poll(() => seen.received).toBe('a')
  proxy.set({ resets: true })
  await closed
  expect(seen.error).toBe('ECONNRESET')
  const next = connect(proxy.port, '127.0.0.1')
  const [error] = await once(next, 'error')
  expect(error).toMatchObject({ code: 'ECONNRESET' })
})

test('cuts an answer after so many bytes', async () => {
  const { socket, seen, closed } = await echoThrough({ cutsAfterBytes: 3 })
  socket.write('abcdef')
  await closed
  expect(seen).toEqual({ received: 'abc', error: '' })
})

test('delays each piece, and lets no more through than its rate', async () => {
  const { proxy, socket, seen } = await echoThrough({ delayMs: 20 })
  const startedAt = performance.now()
  socket.write('a')
  await expect.poll(() => seen.received, { interval: 5 }).toBe('a')
  // Timers may fire a millisecond early.
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(38)
  proxy.set({ bytesPerSecond: 10_000 })
  const slowedAt = performance.now()
  socket.write('b'.repeat(500))
  await expect.poll(() => seen.received, { interval: 5 }).toBe(`a${'b'.repeat(500)}`)
  expect(performance.now() - slowedAt).toBeGreaterThanOrEqual(98)
})
