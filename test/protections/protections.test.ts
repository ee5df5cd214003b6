import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { tellFigures } from '../support/figures.ts'
import { repositoryRoot } from '../support/platform-process.ts'
import { newTempDir } from '../support/temp-dir.ts'
import { protections } from './protections.ts'

/** What became of the checks with their protection off; the same checks pass with it on, as part of `npm test`. */
interface Checked {
  readonly protection: string
  readonly errors: readonly string[]
  readonly tests: readonly { readonly name: string; readonly state: string; readonly said?: string }[]
}

/** Of all checks, one process after the other; each by itself may take as long as any test. */
const checksMs = 300_000
const checked = new Map<string, Checked>()

beforeAll(async () => {
  const dir = newTempDir()
  const report = join(dir.path, 'report.json')
  const vitest = join(repositoryRoot, 'node_modules/vitest/vitest.mjs')
  const args = [vitest, 'run', '--config', join(repositoryRoot, 'test/protections/protections-config.ts')]
  const env = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'))
  const options = {
    cwd: repositoryRoot,
    env: { ...Object.fromEntries(env), TIDEMARK_REPORT: report },
    timeout: checksMs,
  }
  // Its exit code says that tests failed: here they must.
  const output = await new Promise<string>((resolve) =>
    execFile(process.execPath, args, options, (_error, stdout, stderr) => resolve(stdout + stderr)),
  )
  try {
    for (const one of JSON.parse(readFileSync(report, 'utf8')) as Checked[]) checked.set(one.protection, one)
  } catch {
    throw new Error(output)
  } finally {
    dir.remove()
  }
}, checksMs + 10_000)

test.for(protections)('off, its check reports it: $name', ({ name, missing }, { skip }) => {
  skip(missing !== undefined, `${missing} is not installed`)
  const { errors, tests } = checked.get(name)!
  // A check that could not even be loaded has reported nothing.
  expect(errors).toEqual([])
  expect(tests.length).toBeGreaterThan(0)
  const reports = tests.filter(({ state }) => state === 'failed').map(({ said }) => said?.split('\n')[0])
  tellFigures({ protection: name, failed: `${reports.length} of ${tests.length}`, reported: reports[0] })
  expect(reports.length).toBeGreaterThan(0)
})
