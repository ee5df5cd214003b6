import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { DeliveredEvent } from '../../domain/event.ts'
import { appendEvents, eventOf, startApi, type TestApi } from './api.ts'
import { openStream } from './open-stream.ts'

const clients = 200
const waves = 20
const eventsPerWave = 20
const padding = 'x'.repeat(20_000)

/** Events of a wave: two for everybody, and large ones for those that ask for all. */
function waveOf(wave: number) {
  return Array.from({ length: eventsPerWave }, (_, n) => {
    const event = eventOf(wave * eventsPerWave + n)
    return n < 2 ? event : { ...event, data: { ...event.data, class: 'health' as const, message: padding } }
  })
}

/** A client that asks for all events and then does not read. `received` is their text, once it does. */
async function frozenStream(api: TestApi, port: number) {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined)
  socket.pause()
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  const head = `GET /api/v1/events/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${api.adminToken}\r\n\r\n`
  await new Promise<void>((resolve) => socket.write(head, () => resolve()))
  return {
    thaw: () => socket.resume(),
    ids: () => [...text.matchAll(/^id: (\d+)/gm)].map(([, id]) => Number(id)),
  }
}

/** A client that leaves and comes back with its `Last-Event-ID`, and keeps all that it was sent. */
class Returning {
  readonly seen: number[] = []
  readonly #open: (headers: Record<string, string>) => ReturnType<typeof openStream<DeliveredEvent>>
  #stream: Awaited<ReturnType<typeof openStream<DeliveredEvent>>> | undefined

  constructor(api: TestApi, port: number) {
    this.#open = (headers) => openStream(api, port, 'events/stream?class=maintenance&after=0', headers)
  }

  async arrive(): Promise<void> {
    const last = this.seen.at(-1)
    this.#stream = await this.#open(last === undefined ? {} : { 'last-event-id': String(last) })
    expect(this.#stream.answer.status).toBe(200)
  }

  async leave(): Promise<void> {
    await this.#stream!.close()
    this.#take()
  }

  count(): number {
    this.#take()
    return this.seen.length
  }

  #take(): void {
    this.seen.push(...this.#stream!.received.splice(0).map(({ id }) => Number(id)))
  }
}

test('200 clients, one of them frozen: each has every event once and in order, however often it was away', async () => {
  const api = await startApi()
  const { port } = await api.http.listen('127.0.0.1', 0)
  const frozen = await frozenStream(api, port)
  const others = Array.from({ length: clients - 1 }, () => new Returning(api, port))
  await Promise.all(others.map((client) => client.arrive()))
  let returns = 0
  for (let wave = 0; wave < waves; wave++) {
    await appendEvents(api.log, waveOf(wave))
    // One in twenty leaves, wherever it is just then, and comes back.
    const away = others.filter((_, n) => (n + wave) % 20 === 0)
    await Promise.all(away.map((client) => client.leave()))
    await Promise.all(away.map((client) => client.arrive()))
    returns += away.length
  }
  const wanted = Array.from({ length: waves * 2 }, (_, n) => Math.floor(n / 2) * eventsPerWave + (n % 2) + 1)
  await expect
    .poll(() => others.filter((client) => client.count() < wanted.length).length, { timeout: 30_000 })
    .toBe(0)
  for (const client of others) expect(client.seen).toEqual(wanted)
  expect(returns).toBeGreaterThan(190)
  // 7 MB wait for the frozen one, in the log.
  expect(frozen.ids()).toEqual([])
  frozen.thaw()
  await expect.poll(() => frozen.ids().length, { timeout: 20_000 }).toBe(waves * eventsPerWave)
  expect(frozen.ids()).toEqual(Array.from({ length: waves * eventsPerWave }, (_, n) => n + 1))
})
