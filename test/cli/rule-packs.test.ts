import { describe, expect, test } from 'vitest'
import { rulePacks } from '../../rules/rule-packs.ts'
import { startApi } from '../http/api.ts'
import { runCli } from './cli.ts'

/** A real HTTP server, and the command in a folder of its own. */
async function started() {
  const api = await startApi()
  const { port } = await api.http.listen('127.0.0.1', 0)
  const env = { TIDEMARK_TOKEN: api.adminToken }
  return {
    ...api,
    packs: (...args: string[]) =>
      runCli(['rules', 'packs', ...args, '--api', `http://127.0.0.1:${port}`], { env }),
  }
}

const waterIds = rulePacks.find(({ name }) => name === 'water')!.rules.map(({ id }) => id)

test('list names every pack, on a line of its own or as one JSON object', async () => {
  const site = await started()
  const { exitCode, stdout, stderr } = await site.packs('list')
  expect([exitCode, stderr]).toEqual([0, ''])
  expect(stdout.trimEnd().split('\n')).toEqual(
    rulePacks.map(({ name, description }) => `${name.padEnd(14)} ${description}`),
  )
  const { items } = JSON.parse((await site.packs('list', '--json')).stdout)
  expect(items.map(({ name }: { name: string }) => name)).toEqual(rulePacks.map(({ name }) => name))
})

test('show tells each rule of a pack with its severity, kind and source', async () => {
  const site = await started()
  const { exitCode, stdout } = await site.packs('show', 'water')
  expect(exitCode).toBe(0)
  for (const id of waterIds) expect(stdout.split('\n')).toContain(id)
  expect(stdout).toMatch(/^water-frost\n {4}\S.*\n {4}\w+, threshold; practice/m)
  const shown = JSON.parse((await site.packs('show', 'water', '--json')).stdout)
  expect(shown.rules.map(({ id }: { id: string }) => id)).toEqual(waterIds)
})

describe('install', () => {
  test('installs all rules, leaves alone what was edited since, and puts it back when told', async () => {
    const site = await started()
    const first = await site.packs('install', 'water')
    const names = waterIds.map((id) => `  ${id}\n`).join('')
    expect(first).toEqual({
      exitCode: 0,
      stdout: `installed  ${waterIds.length}\n${names}unchanged  0\nkept       0\n`,
      stderr: '',
    })
    await site.call('PATCH', 'rules/water-leak', { for: '48h' }, { headers: { 'if-match': '*' } })
    const second = await site.packs('install', 'water')
    expect(second.stdout).toBe(
      `installed  0\nunchanged  ${waterIds.length - 1}\nkept       1 (edited since: left alone, see --replace)\n  water-leak\n`,
    )
    expect((await site.get('rules/water-leak')).body.for).toBe('48h')
    const third = await site.packs('install', 'water', '--replace', '--json')
    expect(JSON.parse(third.stdout)).toMatchObject({ installed: ['water-leak'], kept: [] })
    expect((await site.get('rules/water-leak')).body.for).toBe('24h')
  })

  test('narrows to labels and devices', async () => {
    const site = await started()
    const flags = ['--label', 'site=berlin', '--label', 'floor=a=b', '--device', 'w-1', '--device', 'w-2']
    expect(await site.packs('install', 'water', ...flags)).toMatchObject({ exitCode: 0 })
    expect((await site.get('rules/water-frost')).body.select).toEqual({
      types: ['water_meter'],
      labels: { site: 'berlin', floor: 'a=b' },
      devices: ['w-1', 'w-2'],
    })
  })

  test('a pack that there is not is refused, with the names of those that there are', async () => {
    const site = await started()
    const { exitCode, stdout, stderr } = await site.packs('install', 'wine')
    expect([exitCode, stdout]).toEqual([1, ''])
    expect(stderr).toContain('there is no rule pack wine; there are cold-chain, ')
  })

  test.each([
    ['a label without a value', ['install', 'water', '--label', 'site'], 'expected name=value'],
    ['no pack', ['install'], 'name'],
    ['what is no name of a pack', ['show', '../rules'], 'expected the name of a pack'],
  ])('%s is wrong usage: exit code 2', async (_name, args, words) => {
    const { exitCode, stdout, stderr } = await runCli(['rules', 'packs', ...args], {
      env: { TIDEMARK_TOKEN: 'x' },
    })
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toContain(words)
  })
})

test('--api that is no address is wrong usage, as with the other commands', async () => {
  const refused = await runCli(['rules', 'packs', 'list', '--api', 'nowhere'], {
    env: { TIDEMARK_TOKEN: 'x' },
  })
  expect([refused.exitCode, refused.stderr]).toEqual([
    2,
    expect.stringContaining('expected http://host:port'),
  ])
})

test('every command has help with an example', async () => {
  for (const name of ['list', 'show', 'install']) {
    const { stdout, exitCode } = await runCli(['rules', 'packs', name, '--help'])
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining(`$ tidemark rules packs ${name}`)])
  }
})
