import { defineConfig } from 'vitest/config'
import { EvidenceReporter } from './support/evidence-reporter.ts'
import { type PromiseName, promiseNames, promises } from './support/promises.ts'

/** Of `npm run verify`: the proofs of some promises one after the other, with a report of what they did. */
const named = (process.env.TIDEMARK_PROMISES ?? '').split(' ').filter((name) => name !== '')
for (const name of named)
  if (!(promiseNames as string[]).includes(name))
    throw new Error(`there is no promise ${name}; there are ${promiseNames.join(' ')}`)
const chosen = named.length === 0 ? promiseNames : (named as PromiseName[])

export default defineConfig({
  test: {
    pool: 'forks',
    fileParallelism: false,
    include: chosen.flatMap((name) => promises[name].tests.map((test) => `test/${test}.test.ts`)),
    reporters: ['verbose', new EvidenceReporter(chosen, process.env.TIDEMARK_REPORT ?? 'verify-report.json')],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
