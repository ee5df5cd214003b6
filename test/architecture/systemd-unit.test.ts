import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { envName, loadConfig, type Option, options } from '../../config.ts'
import { startNodeFlags, startProgram, startVariables } from '../support/start-script.ts'
import { tempDir } from '../support/temp-dir.ts'
import { repositoryRoot } from './source-files.ts'

const unitPath = join(repositoryRoot, 'systemd/tidemark.service')
const text = readFileSync(unitPath, 'utf8')

/** Settings of the unit, by section and name, each with all its values. */
function settingsOf(unit: string): Map<string, string[]> {
  const settings = new Map<string, string[]>()
  let section = ''
  for (const line of unit.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [, heading] = /^\[(\w+)\]$/.exec(line) ?? []
    if (heading !== undefined) {
      section = heading
      continue
    }
    const [, name, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? []
    if (name === undefined) throw new Error(`not a line of a unit: ${line}`)
    const key = `${section}.${name}`
    settings.set(key, [...(settings.get(key) ?? []), value!])
  }
  return settings
}

const settings = settingsOf(text)
const service = (name: string) => settings.get(`Service.${name}`) ?? []
const seconds = (name: string) => Number(service(name)[0])

test('it runs the built command as scripts/start.sh does, and its options are valid', () => {
  expect(service('ExecStart')).toEqual([`/usr/bin/node ${startNodeFlags.join(' ')} ${startProgram} start`])
  const given = service('Environment').flatMap((line) => line.split(' '))
  const env = Object.fromEntries(given.map((pair) => pair.split('=', 2) as [string, string]))
  expect(env).toMatchObject(startVariables)
  const config = loadConfig({ flags: {}, env, cwd: '/' })
  expect(config.dataDir).toBe(`/var/lib/${service('StateDirectory')[0]}`)
})

test('every variable that it names, also in its comments, is one of an option', () => {
  const known = new Set(
    (options as readonly Option[]).flatMap(({ key, isSecret }) =>
      isSecret === true ? [envName(key), `${envName(key)}_FILE`] : [envName(key)],
    ),
  )
  const named = text.match(/TIDEMARK_[A-Z_]+/g) ?? []
  expect(named.length).toBeGreaterThan(1)
  expect(named.filter((name) => !known.has(name))).toEqual([])
})

test('it is given the time to drain, descriptors for every connection, and no restart where that cannot help', () => {
  // The platform kills itself 15 s after the signal.
  expect(seconds('TimeoutStopSec')).toBeGreaterThan(15)
  expect(Number(service('LimitNOFILE')[0])).toBeGreaterThan(10_000)
  expect([service('Restart'), service('RestartPreventExitStatus')]).toEqual([['on-failure'], ['2']])
  expect(service('KillMode')).toEqual(['mixed'])
})

test('it keeps its data for itself, and takes no rights that V8 or the lock of the data directory need', () => {
  expect([service('UMask'), service('StateDirectoryMode')]).toEqual([['0077'], ['0700']])
  expect(service('User')).toEqual(['tidemark'])
  for (const name of ['NoNewPrivileges', 'PrivateTmp', 'ProtectHome']) expect(service(name)).toEqual(['true'])
  expect(service('ProtectSystem')).toEqual(['strict'])
  expect([...service('MemoryDenyWriteExecute'), ...service('ProtectProc')]).toEqual([])
})

const hasVerify = spawnSync('systemd-analyze', ['--version']).status === 0
if (!hasVerify) process.stderr.write('skipping systemd-analyze verify: it is not installed here\n')

test.runIf(hasVerify)('systemd-analyze finds nothing wrong with it', () => {
  // What the unit runs is looked for: this node in place of the one that is there when it is installed.
  const unit = join(tempDir(), 'tidemark.service')
  const here = text.replaceAll('/usr/bin/node', process.execPath).replaceAll('/opt/tidemark', repositoryRoot)
  writeFileSync(unit, here)
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' })
  const about = stderr.split('\n').filter((line) => line.includes('tidemark.service'))
  expect([status, about]).toEqual([0, []])
})
