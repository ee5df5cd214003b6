import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { repositoryRoot } from '../support/platform-process.ts'
import { tempDir } from '../support/temp-dir.ts'

const wrapper = join(repositoryRoot, 'test/services/bin/influxd')
const composeFile = join(repositoryRoot, 'test/services/docker-compose.yml')

let dir: string
let calls: string

beforeEach(() => {
  dir = tempDir()
  calls = join(dir, 'calls')
})

/** A stand-in for docker that notes what it was asked; `run` of a server goes on until it is killed. */
function standIn(answers = '') {
  executable(
    'docker',
    `echo "$*" >> "${calls}"
${answers}
case "$*" in
  *" influxd version") echo "InfluxDB v1.8"; exit 0 ;;
  *" influxd -config "*) exec sleep 60 ;;
esac`,
  )
}

function executable(name: string, script: string): void {
  mkdirSync(join(dir, 'bin'), { recursive: true })
  const path = join(dir, 'bin', name)
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
}

const noted = () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : [])

describe('influxd from a container', () => {
  const env = () => ({ ...process.env, PATH: `${join(dir, 'bin')}${delimiter}${process.env.PATH}` })

  test('answers what version it is, with the exit code of docker', () => {
    standIn()
    const { stdout, status } = spawnSync(wrapper, ['version'], { env: env(), encoding: 'utf8' })
    expect({ stdout, status }).toEqual({ stdout: 'InfluxDB v1.8\n', status: 0 })
    expect(noted()).toEqual([`compose -f ${composeFile} run --rm -T influxd version`])
    standIn('exit 7')
    expect(spawnSync(wrapper, ['version'], { env: env() }).status).toBe(7)
  })

  test('mounts the folder of the configuration, as this user, and is gone once it is killed', async () => {
    standIn()
    const folder = join(dir, 'tidemark-influxd-x1')
    mkdirSync(folder)
    const config = join(folder, 'influxdb.conf')
    writeFileSync(config, '')
    const server = spawn(wrapper, ['-config', config], { env: env(), stdio: 'ignore' })
    onTestFinished(() => end(server))
    const user = `${process.getuid?.()}:${process.getgid?.()}`
    const run =
      `compose -f ${composeFile} run --rm -T --name tidemark-influxd-x1 --user ${user} ` +
      `--volume ${folder}:${folder} influxd -config ${config}`
    await expect.poll(noted, { timeout: 10_000 }).toEqual(['rm -f tidemark-influxd-x1', run])
    await end(server)
    await expect
      .poll(noted, { timeout: 10_000 })
      .toEqual(['rm -f tidemark-influxd-x1', run, 'rm -f tidemark-influxd-x1'])
  })
})

describe('scripts/services.sh where influxd cannot be installed', () => {
  const script = 'fail() { exit 2; }; . ./scripts/services.sh; echo "found $(command -v influxd)"'

  /** A PATH without any service, for a user who is not root. */
  function services(
    settings: Record<string, string> = {},
    others = ['strace', 'mosquitto', 'openssl', 'chromium'],
  ) {
    executable('id', 'echo 1000')
    for (const name of others) executable(name, 'exit 0')
    for (const name of ['sh', 'sleep']) symlink(name)
    const env = { PATH: join(dir, 'bin'), services_for: 'tests', ...settings }
    return spawnSync('/bin/sh', ['-c', script], { cwd: repositoryRoot, env, encoding: 'utf8' })
  }

  function symlink(name: string): void {
    const target = ['/bin', '/usr/bin'].map((folder) => join(folder, name)).find(existsSync)
    symlinkSync(target!, join(dir, 'bin', name))
  }

  test('it comes from a container where there is an engine', () => {
    standIn()
    const { stdout, stderr } = services()
    expect(stdout).toBe(`found ${join(repositoryRoot, 'test/services/bin/influxd')}\n`)
    expect(stderr).toBe('tidemark: fetching influxd as a container\n')
    expect(noted()).toContain('compose -f test/services/docker-compose.yml pull -q')
  })

  test.each([
    ['there is no docker', undefined],
    ['docker has no compose', 'case "$*" in "compose version") exit 1 ;; esac'],
    ['no engine answers', 'case "$*" in info) exit 1 ;; esac'],
    ['the image cannot be had', 'case "$*" in *pull*) exit 1 ;; esac'],
  ])('its suites are said to be skipped where %s', (_case, answers) => {
    if (answers !== undefined) standIn(answers)
    const { stdout, stderr } = services()
    expect(stdout).toBe('found \n')
    expect(stderr).toContain('tidemark: influxd is not installed; the suites that need it are skipped\n')
  })

  test('it is a failure with CI=true', () => {
    expect(services({ CI: 'true' })).toMatchObject({
      status: 1,
      stderr: 'tidemark: influxd cannot be had here\n',
    })
  })

  test.each([
    [
      'said to be, where tests are run',
      'tests',
      'tidemark: chromium is not installed; the suites that need it are skipped\n',
    ],
    ['nothing that the bench needs', '', ''],
  ])('a browser that is not there is %s', (_case, services_for, said) => {
    executable('influxd', 'exit 0')
    expect(services({ services_for }, ['strace', 'mosquitto', 'openssl']).stderr).toBe(said)
  })

  test('the bench does not take it from a container', () => {
    standIn()
    expect(services({ services_for: '' }).stdout).toBe('found \n')
    expect(noted()).toEqual([])
  })
})

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}
