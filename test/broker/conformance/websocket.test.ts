import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generate, type Packet, parser } from 'mqtt-packet'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { shareBroker } from '../live-broker.ts'
import { connectPacket, poll, publish } from '../raw-client.ts'

/** MQTT 3.1.1, chapter 6: MQTT over WebSocket. */
const live = shareBroker()
const server = createServer()
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  live().broker.attach(server)
})
afterAll(() => void server.close())

const connect = () =>
  generate(connectPacket({ clientId: 'd1', username: 'd1', password: live().secret('d1') }))

/** An open WebSocket, and the packets that come through it, with whether all their frames were binary. */
async function open(protocols: string[] = ['mqtt']) {
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/mqtt`, protocols)
  onTestFinished(() => socket.terminate())
  const received: Packet['cmd'][] = []
  const reading = parser()
  reading.on('packet', (packet) => received.push(packet.cmd))
  let isBinary = true
  socket.on('message', (bytes: Buffer, binary) => {
    isBinary &&= binary
    reading.parse(bytes)
  })
  await expect.poll(() => socket.readyState, poll).toBe(WebSocket.OPEN)
  return { socket, received, isBinary: () => isBinary }
}

test('the subprotocol that is chosen is mqtt, whatever else is offered', async () => {
  expect((await open(['mqtt'])).socket.protocol).toBe('mqtt')
  expect((await open(['mqttv3.1', 'other', 'mqtt'])).socket.protocol).toBe('mqtt')
})

test('a text frame ends the connection, also where its bytes are a packet', async () => {
  const { socket, received } = await open()
  socket.send(connect())
  await expect.poll(() => received, poll).toEqual(['connack'])
  // All of it ASCII.
  socket.send(generate(publish('v1/devices/me/telemetry', '{}', 1)).toString())
  await expect.poll(() => socket.readyState, poll).toBe(WebSocket.CLOSED)
  expect(received).toEqual(['connack'])
})

test('a frame may hold several packets, or a part of one, and answers come in binary frames', async () => {
  const { socket, received, isBinary } = await open()
  const message = generate(publish('v1/devices/me/telemetry', '{}', 1))
  const ping = generate({ cmd: 'pingreq' })
  const bytes = Buffer.concat([connect(), message, ping, message, ping])
  // Cut inside CONNECT, inside a fixed header and inside a PUBLISH; then byte by byte.
  const cuts = [0, 5, connect().length + 1, connect().length + 9, bytes.length]
  for (const [i, cut] of cuts.slice(1).entries()) socket.send(bytes.subarray(cuts[i], cut))
  for (const byte of Buffer.concat([message, ping])) socket.send(Buffer.from([byte]))
  await expect.poll(() => received.length, poll).toBe(7)
  expect([...received].sort()).toEqual([
    'connack',
    'pingresp',
    'pingresp',
    'pingresp',
    'puback',
    'puback',
    'puback',
  ])
  expect(isBinary()).toBe(true)
})
