import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { folderRules, importProblems, importsOf, packageRules } from './import-rules.ts'
import { folderOf, readSources, repositoryRoot } from './source-files.ts'

const sources = readSources()
// This file has made-up sources in it.
sources.delete('test/architecture/imports.test.ts')

test('every import of the sources follows the rules', () => {
  expect(sources.size).toBeGreaterThan(100)
  expect(importProblems(sources)).toEqual([])
})

test('every rule is about a folder that is there, and every folder has one', () => {
  const folders = new Set([...sources.keys()].map(folderOf).filter((folder) => folder !== 'test'))
  expect(Object.keys(folderRules).sort()).toEqual([...folders].sort())
})

test('every package that the platform depends on has a place, and none has one that is not a dependency', () => {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(repositoryRoot, 'package.json'), 'utf8'),
  ) as Record<'dependencies' | 'devDependencies', Record<string, string>>
  // Tools and what the dashboard is built of have a place too, and are not installed where the platform runs.
  const placed = Object.keys(packageRules).filter((name) => devDependencies[name] === undefined)
  expect(placed.sort()).toEqual(Object.keys(dependencies).sort())
})

describe('the checker', () => {
  const problemsOf = (files: Record<string, string>) => importProblems(new Map(Object.entries(files)))
  const leaf = 'export const x = 1'

  test('reads every form of import', () => {
    const source = [
      "import a from 'a'",
      "import type { B } from './b.ts'",
      "import {\n  c,\n  type D,\n} from './c.ts'",
      "import './e.ts'",
      "export { f } from './f.ts'",
      "export type { G } from './g.ts'",
      "const h = await import('./h.ts')",
      "const notOne = 'import x'; // from './i.ts'",
    ].join('\n')
    expect(importsOf(source)).toEqual([
      { target: 'a', isType: false },
      { target: './b.ts', isType: true },
      { target: './c.ts', isType: false },
      { target: './e.ts', isType: false },
      { target: './f.ts', isType: false },
      { target: './g.ts', isType: true },
      { target: './h.ts', isType: false },
    ])
  })

  test.each<[name: string, path: string, source: string, problem: string]>([
    [
      'a part that imports another',
      'broker/a.ts',
      "import '../ingest/x.ts'",
      'broker may import only domain, lib, log',
    ],
    [
      'the domain importing anything',
      'domain/a.ts',
      "import '../lib/x.ts'",
      'domain may import only nothing',
    ],
    ['the domain importing a module of Node', 'domain/a.ts', "import 'node:fs'", 'domain imports nothing'],
    [
      'simulators that know the platform',
      'simulators/a.ts',
      "import '../log/x.ts'",
      'may import only domain, lib',
    ],
    [
      'a type from another part',
      'events/a.ts',
      "import type { X } from '../rules/x.ts'",
      'events may import only',
    ],
    [
      'a page that knows the server',
      'dashboard/a.tsx',
      "import '../http/x.ts'",
      'dashboard may import only nothing',
    ],
    ['a page in the platform', 'http/a.ts', "import { h } from 'preact'", 'only dashboard may'],
    ['a lazy import', 'lib/a.ts', "await import('../log/x.ts')", 'lib may import only domain'],
    ['a re-export', 'lib/a.ts', "export * from '../log/x.ts'", 'lib may import only domain'],
    [
      'HTTP that takes more than the read side',
      'http/a.ts',
      "import '../rules/x.ts'",
      'http may import only',
    ],
    ['anything that imports test', 'bench/a.ts', "import '../test/x.ts'", 'nothing imports test'],
    ['a folder without a row', 'utils/a.ts', "import '../lib/x.ts'", 'utils has no row in folderRules'],
    ['a file that is not there', 'lib/a.ts', "import './missing.ts'", 'there is no such file'],
    [
      'aedes in a second file',
      'broker/a.ts',
      "import { Aedes } from 'aedes'",
      'only broker/aedes-broker.ts may',
    ],
    ['fastify outside http', 'events/a.ts', "import fastify from 'fastify'", 'only http may'],
    ['LMDB outside log', 'rules/a.ts', "import { open } from 'lmdb'", 'only log may'],
    ['a path inside a package', 'rules/a.ts', "import 'lmdb/index.js'", 'only log may'],
    [
      'the InfluxDB client outside storage',
      'bench/a.ts',
      "import { Point } from '@influxdata/influxdb-client'",
      'only storage and bench/diy-subscriber.ts may',
    ],
    ['a package without a row', 'lib/a.ts', "import 'lodash'", 'lodash has no row in packageRules'],
  ])('finds %s', (_name, path, source, problem) => {
    const folders = ['domain', 'lib', 'log', 'ingest', 'rules', 'http', 'test']
    const leaves = Object.fromEntries(folders.map((folder) => [`${folder}/x.ts`, leaf]))
    const problems = problemsOf({ ...leaves, [path]: source })
    expect(problems).toEqual([expect.stringContaining(problem)])
  })

  test('finds a part that chooses the implementation of the log', () => {
    const problems = problemsOf({ 'ingest/a.ts': "import '../log/lmdb-log.ts'", 'log/lmdb-log.ts': leaf })
    expect(problems).toEqual([expect.stringContaining('only a composition root')])
  })

  test('finds a barrel', () => {
    expect(problemsOf({ 'lib/index.ts': leaf })).toEqual(['lib/index.ts is a barrel'])
  })

  test('finds a cycle, of types too, once', () => {
    const files = {
      'lib/a.ts': "import './b.ts'",
      'lib/b.ts': "import type { C } from './c.ts'",
      'lib/c.ts': "import './a.ts'",
      'lib/d.ts': "import './a.ts'",
    }
    expect(problemsOf(files)).toEqual(['cycle: lib/a.ts → lib/b.ts → lib/c.ts → lib/a.ts'])
  })

  test('finds nothing where the rules are kept', () => {
    const files = {
      'domain/x.ts': leaf,
      'lib/a.ts': "import 'node:fs'\nimport { pino } from 'pino'\nimport '../domain/x.ts'",
      'broker/aedes-broker.ts': "import { Aedes } from 'aedes'\nimport '../lib/a.ts'",
      'test/a.ts': "import 'fast-check'\nimport '../broker/aedes-broker.ts'",
    }
    expect(problemsOf(files)).toEqual([])
  })
})
