// Makes test/upgrade/0.1.0.tar.gz: the data directory of version 0.1.0, killed in the middle of its work, with what it must hold in
// known.json beside it. Run by hand, once for each format that is to be read for ever: node test/upgrade/make-fixture.mjs
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'

/** The last commit of 0.1.0. */
const commit = 'd0d6de0'
const adminToken = 'test-admin-token'
const ports = { mqtt: 21_883, http: 28_080 }
const api = `http://127.0.0.1:${ports.http}/api/v1`
const minuteMs = 60_000
const t0 = Date.UTC(2026, 10, 20, 12)

const root = join(import.meta.dirname, '../..')
const work = mkdtempSync(join(tmpdir(), 'tidemark-fixture-'))
const sources = join(work, 'sources')
const dataDir = join(work, 'data')
mkdirSync(sources)
const tar = execFileSync('git', ['archive', commit], { cwd: root, maxBuffer: 1e9 })
execFileSync('tar', ['x', '-C', sources], { input: tar })
for (const args of [['ci'], ['run', 'build']]) execFileSync('npm', args, { cwd: sources, stdio: 'inherit' })

const ask = async (method, path, body) => {
  const response = await fetch(`${api}${path}`, {
    method,
    headers: { authorization: `Bearer ${adminToken}`, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

const until = async (what, isSo) => {
  for (let tries = 0; tries < 300; tries++) {
    if (await isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`never: ${what}`)
}

const start = async (...flags) => {
  const args = [
    'start',
    '--data-dir',
    dataDir,
    '--mqtt-port',
    String(ports.mqtt),
    '--http-port',
    String(ports.http),
  ]
  const child = spawn(
    process.execPath,
    [join(sources, 'dist/cli/main.js'), ...args, '--admin-token', adminToken, ...flags],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  await new Promise((resolve, reject) => {
    child.stdout.on('data', (text) => String(text).includes('Tidemark is running') && resolve())
    child.once('exit', () => reject(new Error('it ended')))
  })
  return (signal) =>
    new Promise((resolve) => {
      child.once('exit', resolve)
      child.kill(signal)
    })
}

const devices = {}
const publish = async (id, ...payloads) => {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${ports.mqtt}`, {
    ...{ clientId: id, username: id, password: devices[id] },
  })
  for (const payload of payloads) {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
    await client.publishAsync(`devices/${id}/telemetry`, text, { qos: 1 })
  }
  await client.endAsync()
}
const reading = (minute, temperature_c) => ({ ts: t0 + minute * minuteMs, values: { temperature_c } })
const rule = (id, above, duration) => ({
  ...{ id, name: id, class: 'maintenance', severity: 'major', select: { types: ['fridge'] } },
  ...{ when: { kind: 'threshold', metric: 'temperature_c', above }, for: duration },
})

let end = await start()
for (const id of ['alarmed', 'half', 'odd']) {
  const { credentials } = await ask('POST', '/devices', { id, type: 'fridge', labels: { site: 'berlin' } })
  devices[id] = credentials.password
}
const token = await ask('POST', '/tokens', { name: 'reader', role: 'read' })
await ask('POST', '/rules', rule('hot', 20, '0s'))
await ask('POST', '/rules', rule('warm', 8, '10m'))
// Raised and cleared, and raised again; then in the middle of `for`; then what cannot be stored.
await publish('alarmed', reading(0, 25), reading(1, 5), reading(2, 26))
await publish('half', reading(0, 5), reading(1, 9), reading(5, 10))
await publish('odd', 'no json', { ts: t0, values: { temperature_c: 'text' } })
await until('all is stored', async () => {
  const { items } = await ask('GET', '/readings?device=half&from=0')
  return items.length === 3
})
await until('events', async () => (await ask('GET', '/events')).items.length === 3)
await until('dead letters', async () => (await ask('GET', '/dead-letters')).items.length === 2)
const known = {
  version: '0.1.0',
  commit,
  devices,
  token: token.token,
  t0,
  events: (await ask('GET', '/events')).items,
  deadLetters: (await ask('GET', '/dead-letters')).items,
  stored: { alarmed: 3, half: 3 },
  pending: { alarmed: 100, half: 1 },
}
await end('SIGTERM')

// The database is away: what comes now stays in the log. The kill finds the last of it on its way.
end = await start('--store', 'influxdb', '--influx-url', 'http://127.0.0.1:1')
await publish('half', reading(7, 11))
await publish('alarmed', ...Array.from({ length: 100 }, (_, i) => reading(3 + i / 60, 26 + i / 100)))
await end('SIGKILL')

writeFileSync(join(import.meta.dirname, 'known.json'), `${JSON.stringify(known, null, 2)}\n`)
execFileSync('tar', [
  'cSzf',
  join(import.meta.dirname, '0.1.0.tar.gz'),
  '--owner=0',
  '--group=0',
  '-C',
  work,
  'data',
])
rmSync(work, { recursive: true })
