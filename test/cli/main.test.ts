import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../bench/services/free-port.ts'
import { tempDir } from '../support/temp-dir.ts'
import { runCli, startCli } from './cli.ts'

/** The built command as its user runs it. */

test('the version is printed', async () => {
  expect(await runCli(['--version'])).toEqual({ exitCode: 0, stdout: '0.1.0\n', stderr: '' })
})

test.each([
  [],
  ['start'],
  ['config'],
  ['config', 'print'],
  ['config', 'check'],
  ['simulate', 'run'],
  ['simulate', 'bench'],
  ['simulate', 'replay'],
  ['simulate', 'verify'],
])('the help of tidemark %s %s has an example', async (...command) => {
  const { exitCode, stdout, stderr } = await runCli([...command, '--help'])
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  expect(stdout).toMatch(/Examples?:\n {2}\$ /)
  expect(stdout).toContain(`tidemark ${command.join(' ')}`.trim())
})

describe('usage errors: exit code 2', () => {
  test.each([
    ['no command', [], 'Usage:'],
    ['an unknown command', ['sing'], "unknown command 'sing'"],
    ['an unknown sub-command', ['config', 'sing'], "unknown command 'sing'"],
    ['an unknown flag', ['start', '--loud'], "unknown option '--loud'"],
    ['a flag without its value', ['start', '--mqtt-port'], 'argument missing'],
    ['a bad value', ['simulate', 'bench', '--qos', '3'], 'expected 0, 1 or 2'],
    ['a missing argument', ['simulate', 'replay', '--map', 'x'], "missing required argument 'file'"],
    ['a word too many', ['start', 'now'], 'too many arguments'],
  ])('%s', async (_name, args, message) => {
    const { exitCode, stdout, stderr } = await runCli(args)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain(message)
  })
})

describe('a bad configuration: exit code 2, the key, its source and what was expected', () => {
  test.each(['start', 'config print', 'config check'])('tidemark %s', async (command) => {
    const { exitCode, stderr, stdout } = await runCli([...command.split(' '), '--mqtt-port', 'soon'])
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toBe(
      'tidemark: mqttPort (--mqtt-port): expected a port, 0 to 65535 (TIDEMARK_CONFIG_INVALID)\n',
    )
  })

  test('from the environment and from the file', async () => {
    const cwd = tempDir()
    const byVariable = await runCli(['config', 'check'], { cwd, env: { TIDEMARK_STORE: 'postgres' } })
    expect(byVariable).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('store (TIDEMARK_STORE)'),
    })
    writeFileSync(join(cwd, 'tidemark.config.json'), '{"mqttport": 1}')
    const byFile = await runCli(['start'], { cwd })
    expect(byFile).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('mqttport') })
  })
})

test('config print shows what is in force, as JSON, and no secret', async () => {
  const cwd = tempDir()
  writeFileSync(join(cwd, 'tidemark.config.json'), '{"httpPort": 81, "adminToken": "s3cret-a"}')
  const env = { TIDEMARK_INFLUX_TOKEN: 's3cret-b', TIDEMARK_MQTT_PORT: '18' }
  const { exitCode, stdout, stderr } = await runCli(
    ['config', 'print', '--influx-password', 's3cret-c', '--demo'],
    { cwd, env },
  )
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  expect(stdout).not.toContain('s3cret')
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ httpPort: 81, mqttPort: 18, demo: true, dataDir: join(cwd, 'data') },
    ...{ adminToken: '***', influxToken: '***', influxPassword: '***' },
  })
})

test('config check says that it is valid', async () => {
  expect(await runCli(['config', 'check'])).toMatchObject({
    exitCode: 0,
    stdout: 'the configuration is valid\n',
  })
})

describe('client commands', () => {
  test('that reach nobody end with exit code 3 and a code', async () => {
    const port = await freePort()
    const url = ['--url', `mqtt://127.0.0.1:${port}`, '--api', `http://127.0.0.1:${port}`, '--token', 't']
    const bench = await runCli(['simulate', 'bench', '--anonymous', '--duration', '1s', ...url])
    expect(bench).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('TIDEMARK_MQTT_UNREACHABLE') })
    const run = await runCli(['simulate', 'run', '--devices', '1', ...url])
    expect(run).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('TIDEMARK_API_UNREACHABLE') })
  })

  test('that need a token and find none end with exit code 2', async () => {
    const { exitCode, stderr } = await runCli(['simulate', 'run'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('TIDEMARK_TOKEN_MISSING')
  })

  test('that need a file and find none end with exit code 2', async () => {
    const { exitCode, stderr } = await runCli([
      'simulate',
      'verify',
      '--ledger',
      'none.ndjson',
      '--token',
      't',
    ])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('TIDEMARK_LEDGER_INVALID')
  })
})

describe('a platform', () => {
  const start = (dataDir: string, ...flags: string[]) =>
    startCli(['start', '--data-dir', dataDir, '--mqtt-port', '0', '--http-port', '0', ...flags])
  const isRunning = ({ stdout }: { stdout: () => string }) =>
    expect.poll(stdout, { timeout: 20_000 }).toContain('Tidemark is running')

  test('names its ports and its token, keeps the token, and takes no second one on its data', async () => {
    const dataDir = tempDir()
    const first = start(dataDir)
    await isRunning(first)
    expect(first.stdout()).toMatch(
      /Dashboard +http:\/\/127\.0\.0\.1:[1-9]\d*\/\n +MQTT +mqtt:\/\/127\.0\.0\.1:[1-9]\d*\n/,
    )
    const token = readFileSync(join(dataDir, 'admin-token'), 'utf8').trim()
    expect(first.stdout()).toContain(token)

    const second = await start(dataDir).ended
    expect(second).toMatchObject({ exitCode: 1, stdout: '' })
    expect(second.stderr).toContain('TIDEMARK_DATA_DIR_IN_USE')
    expect(second.stderr).toContain(`process ${first.child.pid}`)

    // What `kill -9` leaves behind is in nobody's way.
    first.child.kill('SIGKILL')
    await first.ended
    const third = start(dataDir)
    await isRunning(third)
    expect(third.stdout()).toContain(token)
    third.child.kill('SIGTERM')
    expect(await third.ended).toMatchObject({ exitCode: 0 })
    for (const line of `${first.stderr()}${third.stderr()}`.trimEnd().split('\n')) {
      expect(JSON.parse(line)).toMatchObject({ level: expect.any(Number), time: expect.any(String) })
    }
  })

  test('a client command that is interrupted prints its summary and ends with exit code 130; a token that was given is not shown', async () => {
    const [mqttPort, httpPort] = [await freePort(), await freePort()]
    const ports = ['--mqtt-port', String(mqttPort), '--http-port', String(httpPort)]
    const platform = startCli(['start', '--data-dir', tempDir(), ...ports, '--admin-token', 's3cret-token'])
    await isRunning(platform)
    const api = `http://127.0.0.1:${httpPort}`
    const client = startCli([
      ...['simulate', 'run', '--devices', '3', '--duration', '10m', '--speed', '600', '--json'],
      ...['--url', `mqtt://127.0.0.1:${mqttPort}`, '--api', api, '--token', 's3cret-token'],
    ])
    const acknowledged = async () => {
      const stats = await fetch(`${api}/api/v1/stats`, { headers: { authorization: 'Bearer s3cret-token' } })
      return ((await stats.json()) as { messages: { acknowledged: number } }).messages.acknowledged
    }
    await expect.poll(acknowledged, { timeout: 20_000 }).toBeGreaterThan(0)
    client.child.kill('SIGINT')
    const interrupted = await client.ended
    expect(interrupted.exitCode).toBe(130)
    expect(JSON.parse(interrupted.stdout)).toMatchObject({ acknowledged: expect.any(Number) })

    platform.child.kill('SIGINT')
    const { exitCode, stdout, stderr } = await platform.ended
    expect(exitCode).toBe(0)
    expect(stdout + stderr + interrupted.stdout + interrupted.stderr).not.toContain('s3cret')
    expect(stdout).toContain('(as configured)')
  })

  test('that cannot have its port says which, and ends', async () => {
    const taken = net.createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void taken.close())
    await once(taken, 'listening')
    const { port } = taken.address() as net.AddressInfo
    const { exitCode, stdout, stderr } = await start(tempDir(), '--http-port', String(port)).ended
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
    expect(stderr).toMatch(new RegExp(`${port}.*TIDEMARK_`))
  })

  test('whose store is no database says which file and why', async () => {
    const dir = tempDir()
    writeFileSync(join(dir, 'readings.duckdb'), 'not a database'.repeat(1_000))
    const { exitCode, stderr } = await start(dir).ended
    expect(exitCode).toBe(1)
    expect(stderr.trim().split('\n').at(-1)).toMatch(
      /^tidemark: cannot open .*readings\.duckdb.*\(TIDEMARK_STORE_OPEN\)$/,
    )
  })

  test('that cannot write its data directory says so: exit code 2', async () => {
    const file = join(tempDir(), 'file')
    writeFileSync(file, '')
    const { exitCode, stderr } = await start(join(file, 'data')).ended
    expect(stderr).toContain('TIDEMARK_DATA_DIR')
    expect(exitCode).toBe(2)
  })
})
