// aedes alone with one subscriber that stops reading: prints what piled up, then cuts the subscriber off. A process of its
// own, because it does not survive that.
import net from 'node:net'
import { Aedes } from 'aedes'
import { generate, parser } from 'mqtt-packet'

const queuedMin = 20_000
const payload = Buffer.alloc(1_000)
const aedes = await Aedes.createBroker()
const server = net.createServer((socket) => aedes.handle(socket)).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))

function connect(clientId, onPacket) {
  const conn = net.connect(server.address().port, '127.0.0.1')
  const mqtt = parser()
  mqtt.on('packet', onPacket)
  conn.on('data', (bytes) => mqtt.parse(bytes))
  conn.write(
    generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, clientId, keepalive: 0 }),
  )
  return conn
}

await new Promise((resolve) => {
  const subscriber = connect('subscriber', ({ cmd }) => cmd === 'suback' && resolve(subscriber.pause()))
  subscriber.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 't', qos: 0 }] }))
})
let acknowledged = 0
const publishers = Array.from({ length: 50 }, (_, i) => {
  let messageId = 0
  const publishOne = () => {
    messageId = (messageId % 65_535) + 1
    const rest = { topic: 't', payload, qos: 1, dup: false, retain: false }
    publisher.write(generate({ cmd: 'publish', messageId, ...rest }))
  }
  const publisher = connect(`publisher-${i}`, ({ cmd }) => {
    if (cmd === 'puback') acknowledged++
    if (aedes.mq.length < queuedMin) publishOne()
    else cutOff()
  })
  return publisher
})
function cutOff() {
  if (aedes.clients.subscriber.conn.destroyed) return
  process.stdout.write(`${JSON.stringify({ acknowledged, queued: aedes.mq.length })}\n`)
  for (const publisher of publishers) publisher.destroy()
  aedes.clients.subscriber.conn.destroy()
  setTimeout(() => process.exit(0), 3_000)
}
