import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type LockedPackage, licencesPage, packagesOf } from './licences.ts'
import { readFiles, repositoryRoot } from './source-files.ts'

const file = join(repositoryRoot, 'docs/LICENCES.md')
const lock = JSON.parse(readFileSync(join(repositoryRoot, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, LockedPackage>
}
/** What vite puts into the dashboard is handed out too, whatever package.json calls it. */
const inDashboard = [...readFiles('.tsx'), ...readFiles('.ts')]
  .filter(([path]) => path.startsWith('dashboard/'))
  .flatMap(([, text]) => [...text.matchAll(/from '([a-z@][^'/]*(?:\/[^']*)?)'/g)].map(([, name]) => name!))
  .map((name) => (name.startsWith('@') ? name.split('/', 2).join('/') : name.split('/')[0]!))

/** Licences that ask for no more than to be named: the platform is handed out under the MIT licence. */
const allowed = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', '(MIT AND Zlib)']

test('docs/LICENCES.md lists every package that is handed out, with its licence (npm run docs makes it)', async () => {
  await expect(licencesPage(packagesOf(lock.packages, inDashboard))).toMatchFileSnapshot(file)
})

test('no package that is handed out has a licence that asks for more than to be named', () => {
  const packages = packagesOf(lock.packages, inDashboard)
  expect(packages.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['aedes', 'lmdb', 'preact', 'uplot']),
  )
  expect(packages.filter(({ licence }) => !allowed.includes(licence))).toEqual([])
})
