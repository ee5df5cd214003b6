import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { rule, startApi, startMs } from '../http/api.ts'
import { tempDir } from '../support/temp-dir.ts'
import { runCli } from './cli.ts'

const fridgeYaml = `# limits of the label
id: fridge-too-warm
name: Fridge too warm
class: maintenance
severity: major
select:
  types: [fridge]
when:
  kind: threshold
  metric: temperature_c
  above: 8
  clear: 7
for: 15m
`

/** A real HTTP server, and the command in a folder of its own. */
async function started() {
  const api = await startApi()
  const { port } = await api.http.listen('127.0.0.1', 0)
  const cwd = tempDir()
  const url = `http://127.0.0.1:${port}`
  const env = { TIDEMARK_TOKEN: api.adminToken }
  return {
    ...api,
    url,
    rules: (...args: string[]) => runCli(['rules', ...args, '--api', url], { cwd, env }),
    write: (name: string, content: unknown) => {
      mkdirSync(join(cwd, name, '..'), { recursive: true })
      writeFileSync(join(cwd, name), typeof content === 'string' ? content : JSON.stringify(content, null, 2))
    },
    read: (name: string) => readFileSync(join(cwd, name), 'utf8'),
    ids: async () => (await api.get('rules')).body.items.map(({ id }: { id: string }) => id),
  }
}

describe('apply', () => {
  test('takes a folder of JSON and YAML, and says what it did', async () => {
    const site = await started()
    await site.post('rules', { ...rule, when: { ...rule.when, above: 9 } })
    await site.post('rules', { ...rule, id: 'old' })
    site.write('set/a.yaml', `${fridgeYaml}---\n${fridgeYaml.replace('fridge-too-warm', 'second')}`)
    site.write('set/deep/b.json', { rules: [{ ...rule, id: 'third' }] })
    site.write('set/notes.txt', 'no rules')
    const lines = [
      '+ second',
      '+ third',
      '~ fridge-too-warm',
      '    /when/above: 9 → 8',
      '2 created, 1 updated, 0 unchanged, 0 deleted',
    ]
    const dry = await site.rules('apply', '-f', 'set', '--dry-run')
    expect(dry).toEqual({
      exitCode: 0,
      stdout: `${lines.join('\n')} (dry run: nothing was changed)\n`,
      stderr: '',
    })
    expect(await site.ids()).toEqual(['fridge-too-warm', 'old'])
    const applied = await site.rules('apply', '-f', 'set')
    expect(applied).toEqual({ exitCode: 0, stdout: `${lines.join('\n')}\n`, stderr: '' })
    expect(await site.ids()).toEqual(['fridge-too-warm', 'old', 'second', 'third'])
  })

  test('deletes only with --prune, and asks first', async () => {
    const site = await started()
    await site.post('rules', { ...rule, id: 'old' })
    site.write('a.yaml', fridgeYaml)
    const asked = await site.rules('apply', '-f', 'a.yaml', '--prune')
    expect([asked.exitCode, asked.stderr]).toEqual([2, expect.stringContaining('--yes')])
    expect(await site.ids()).toEqual(['old'])
    const pruned = await site.rules('apply', '-f', 'a.yaml', '--prune', '--yes', '--json')
    expect(JSON.parse(pruned.stdout)).toEqual({
      created: ['fridge-too-warm'],
      updated: [],
      unchanged: [],
      deleted: ['old'],
    })
    expect(await site.ids()).toEqual(['fridge-too-warm'])
  })

  test('says of each problem in which line of which file it is, and changes nothing', async () => {
    const site = await started()
    site.write('set/a.yaml', fridgeYaml)
    site.write('set/b.yaml', fridgeYaml.replace('fridge-too-warm', 'b').replace('above: 8', 'above: x'))
    site.write('set/c.json', { ...rule, id: 'c', colour: 'red' })
    const refused = await site.rules('apply', '-f', 'set')
    expect([refused.exitCode, refused.stdout]).toEqual([1, ''])
    const lines = refused.stderr.split('\n')
    expect(lines.some((line) => /^set\/b\.yaml:11: \/when\/above: /.test(line))).toBe(true)
    const colourLine = JSON.stringify({ ...rule, id: 'c', colour: 'red' }, null, 2)
      .split('\n')
      .findIndex((line) => line.includes('colour'))
    expect(lines).toContain(`set/c.json:${colourLine + 1}: /colour: unknown field`)
    expect(refused.stderr).toContain('TIDEMARK_RULE_INVALID')
    expect(await site.ids()).toEqual([])
  })

  test('of what was exported changes nothing, as JSON and as YAML', async () => {
    const site = await started()
    await site.post('rules', rule)
    await site.post('rules', { ...rule, id: 'other', message: 'a: {device} # 1' })
    for (const file of ['set.json', 'set.yaml']) {
      expect((await site.rules('export', '-o', file)).exitCode).toBe(0)
      const applied = await site.rules('apply', '-f', file, '--prune', '--json')
      expect(JSON.parse(applied.stdout).unchanged, file).toEqual(['fridge-too-warm', 'other'])
    }
    const printed = JSON.parse((await site.rules('export')).stdout)
    expect(printed).toEqual(parse(site.read('set.yaml')))
    expect(printed).toEqual((await site.get('rules:export')).body)
  })
})

test('validate checks a set, rules that name one another included', async () => {
  const site = await started()
  const flaps = { ...rule, id: 'flaps', for: '0s', when: { kind: 'flapping', of: { rule: rule.id } } }
  site.write('set.json', [flaps, rule])
  expect(await site.rules('validate', '-f', 'set.json')).toMatchObject({
    exitCode: 0,
    stdout: '2 rules are valid\n',
  })
  site.write('alone.json', flaps)
  const refused = await site.rules('validate', '-f', 'alone.json')
  expect([refused.exitCode, refused.stderr]).toEqual([
    1,
    expect.stringContaining('/when/of/rule: there is no rule'),
  ])
  expect(await site.ids()).toEqual([])
})

test('list, get and delete', async () => {
  const site = await started()
  await site.post('rules', rule)
  const listed = await site.rules('list')
  expect(listed.stdout).toMatch(
    /^ID +VERSION .*\nfridge-too-warm +1 +yes +major +threshold +Fridge too warm\n$/,
  )
  expect(JSON.parse((await site.rules('list', '--json')).stdout).rules).toHaveLength(1)
  expect(JSON.parse((await site.rules('get', rule.id)).stdout)).toEqual(
    (await site.get(`rules/${rule.id}`)).body,
  )
  expect(await site.rules('delete', rule.id)).toMatchObject({ exitCode: 0, stdout: '- fridge-too-warm\n' })
  expect(await site.ids()).toEqual([])
  const missing = await site.rules('get', 'nobody')
  expect([missing.exitCode, missing.stderr]).toEqual([1, expect.stringContaining('TIDEMARK_NOT_FOUND')])
})

describe('test', () => {
  const sample = (minutes: number, value: number) => ({
    device: 'fridge-1',
    ts: startMs + minutes * 60_000,
    values: { temperature_c: value },
  })

  test('on samples, of NDJSON or JSON', async () => {
    const site = await started()
    site.write('rule.yaml', fridgeYaml)
    const samples = [sample(0, 9), sample(15, 9), sample(16, 5)]
    site.write('night.ndjson', `${samples.map((one) => JSON.stringify(one)).join('\n')}\n`)
    site.write('night.json', samples)
    site.write('wrapped.json', { samples })
    const shown = await site.rules('test', '-f', 'rule.yaml', '--samples', 'night.ndjson')
    expect(shown.stdout.split('\n')).toEqual([
      expect.stringMatching(/^TIME +TRANSITION +SEVERITY +DEVICE +MESSAGE$/),
      expect.stringMatching(/^2026-11-23T12:15:00\.000Z +raised +major +fridge-1 +fridge-1: /),
      expect.stringMatching(/^2026-11-23T12:16:00\.000Z +cleared /),
      '2 transitions over 3 readings',
      '',
    ])
    for (const file of ['night.ndjson', 'night.json', 'wrapped.json']) {
      const { stdout } = await site.rules('test', '-f', 'rule.yaml', '--samples', file, '--json')
      expect(JSON.parse(stdout), file).toMatchObject({
        evaluated: 3,
        truncated: false,
        transitions: { length: 2 },
      })
    }
  })

  test('on stored readings', async () => {
    const site = await started()
    site.write('rule.yaml', fridgeYaml)
    const flags = ['--from', '2026-11-23', '--to', '2026-11-24', '--json']
    const { stdout } = await site.rules('test', '-f', 'rule.yaml', ...flags)
    expect(JSON.parse(stdout)).toEqual({ transitions: [], evaluated: 0, truncated: false })
    const refused = await site.rules('test', '-f', 'rule.yaml', ...flags, '--device', 'nobody')
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      expect.stringContaining('/devices/0: there is no device'),
    ])
  })

  test('says where a bad rule stands', async () => {
    const site = await started()
    site.write('rule.yaml', fridgeYaml.replace('major', 'bad'))
    site.write('none.ndjson', '')
    const refused = await site.rules('test', '-f', 'rule.yaml', '--samples', 'none.ndjson')
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/^rule\.yaml:5: \/severity: /),
    ])
  })
})

describe('exit code 2', () => {
  test.each([
    ['a file that is not there', ['apply', '-f', 'nowhere.yaml'], 'nowhere.yaml'],
    ['a file without a rule', ['apply', '-f', 'empty.yaml'], 'no rule in it'],
    ['a file that does not parse', ['apply', '-f', 'broken.yaml'], 'broken.yaml:3: '],
    [
      'samples that do not parse',
      ['test', '-f', 'rule.yaml', '--samples', 'broken.ndjson'],
      'broken.ndjson:2: ',
    ],
    ['a test of nothing', ['test', '-f', 'rule.yaml'], '--from'],
    ['a test of two', ['test', '-f', 'two.yaml', '--from', 'x', '--to', 'y'], '2 rules'],
    ['no file', ['apply'], '--file'],
    ['no such command', ['explode'], 'explode'],
  ])('%s', async (_name, args, words) => {
    const site = await started()
    site.write('empty.yaml', '# nothing\n')
    site.write('rule.yaml', fridgeYaml)
    site.write('two.yaml', `${fridgeYaml}---\n${fridgeYaml}`)
    site.write('broken.yaml', 'id: a\nname: "b\n')
    site.write('broken.ndjson', '{"device":"a"}\n{"device"\n')
    const refused = await (args[0] === 'explode' ? runCli(['rules', 'explode']) : site.rules(...args))
    expect([refused.exitCode, refused.stdout]).toEqual([2, ''])
    expect(refused.stderr).toContain(words)
  })

  test('no token', async () => {
    const refused = await runCli(['rules', 'list'])
    expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('TIDEMARK_TOKEN_MISSING')])
  })
})

test('exit code 3: the platform does not answer', async () => {
  const site = await started()
  const { port } = site.http.server.address() as AddressInfo
  await site.http.close()
  const env = { TIDEMARK_TOKEN: 'x' }
  const refused = await runCli(['rules', 'list', '--api', `http://127.0.0.1:${port}`], { env })
  expect([refused.exitCode, refused.stderr]).toEqual([3, expect.stringContaining('TIDEMARK_API_UNREACHABLE')])
})

test('every command has help with an example', async () => {
  for (const name of ['list', 'get', 'apply', 'delete', 'test', 'validate', 'export']) {
    const { stdout, exitCode } = await runCli(['rules', name, '--help'])
    expect([name, exitCode, stdout]).toEqual([name, 0, expect.stringContaining(`$ tidemark rules ${name}`)])
  }
})
