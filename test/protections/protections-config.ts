import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import type { Reporter, TestModule } from 'vitest/node'
import { repositoryRoot } from '../support/platform-process.ts'
import { type Protection, protections } from './protections.ts'

/** Of protections.test.ts: each protection taken out of its source, and the one test that must then fail. */
const report = process.env.TIDEMARK_REPORT ?? 'protections-report.json'

/** Of the names of tests, as Vitest matches it: `%s` is whatever a case puts there. */
const patternOf = ({ within = '', test }: Protection) =>
  `${within}.*${test.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('%s', '.*')}$`

/** Takes the protection out of its source as it is loaded; ends the run where its code is not there exactly once. */
const without = ({ file, code, replacement }: Protection) => ({
  name: 'without-protection',
  enforce: 'pre' as const,
  transform(source: string, id: string) {
    if (id !== join(repositoryRoot, file)) return undefined
    const parts = source.split(code)
    if (parts.length !== 2) throw new Error(`${code} is ${parts.length - 1} times in ${file}`)
    return parts.join(replacement)
  },
})

class ReportWriter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const results = modules.map((module) => ({
      protection: module.project.name,
      errors: module.errors().map(({ message }) => message),
      tests: [...module.children.allTests()]
        .map((test) => ({ name: test.name, ...test.result() }))
        .filter(({ state }) => state !== 'skipped')
        .map(({ name, state, errors }) => ({ name, state, said: errors?.[0]?.message })),
    }))
    writeFileSync(report, JSON.stringify(results, null, 2))
  }
}

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    reporters: [new ReportWriter()],
    projects: protections.map((protection) => ({
      plugins: [without(protection)],
      test: {
        name: protection.name,
        include: [`test/${protection.checker}.test.ts`],
        testNamePattern: patternOf(protection),
      },
    })),
  },
})
