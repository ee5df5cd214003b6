import { TestRunner } from 'vitest'

declare module 'vitest' {
  interface TaskMeta {
    figures?: Record<string, unknown>[]
  }
}

/**
 * Prints the counts, seeds and figures of the running test, and keeps them for the report of `npm run verify`: a run that cannot
 * say what it did proves nothing.
 */
export function tellFigures(figures: Record<string, unknown>): void {
  const test = TestRunner.getCurrentTest()
  if (test === undefined) throw new Error('figures are told by a running test')
  test.meta.figures = [...(test.meta.figures ?? []), figures]
  process.stdout.write(`${JSON.stringify(figures)}\n`)
}
