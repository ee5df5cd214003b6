import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { messageOf, TidemarkError } from '../../lib/errors.ts'
import { markSchema } from '../scenario.ts'
import { type Truth, truthSchema } from '../truth.ts'

const runFileSchema = z.object({
  scenario: z.string(),
  seed: z.number(),
  /** Virtual time, Unix ms. */
  startMs: z.number(),
  endMs: z.number(),
  devices: z.array(z.string()),
  /** Marks of the scenario. */
  pass: z.array(markSchema).default([]),
})

/** What a score must know of a run besides its truth: `FILE.run.json` beside the truth file. */
export type RunFile = z.infer<typeof runFileSchema>

/** Where the run file of a truth file lies. */
export function runFilePath(truthFile: string): string {
  return `${truthFile}.run.json`
}

/** The run file beside a truth file, if there is one. Throws TIDEMARK_TRUTH_INVALID (exit code 2) when it is none. */
export function readRunFile(truthFile: string): RunFile | undefined {
  const path = runFilePath(truthFile)
  if (!existsSync(path)) return undefined
  try {
    return valid(runFileSchema, readFileSync(path, 'utf8'))
  } catch (error) {
    throw invalid(`${path}: ${messageOf(error)}`, error)
  }
}

/**
 * The truths of a file, in its order. What a line does not say is filled in: detectable from its onset on; lasting to
 * `openEndMs` (Unix ms). Throws TIDEMARK_TRUTH_INVALID (exit code 2) with the line's number.
 */
export function readTruths(path: string, openEndMs: number): Truth[] {
  const truths: Truth[] = []
  const ids = new Set<string>()
  let line = 0
  try {
    for (const text of readFileSync(path, 'utf8').split('\n')) {
      line++
      if (text.trim() === '') continue
      const { metric, ...given } = valid(truthSchema, text)
      if (ids.has(given.id)) throw new Error(`/id: ${given.id} is there already`)
      const end = given.end ?? Math.max(openEndMs, given.onset)
      if (end < given.onset) throw new Error('/end: before the onset')
      ids.add(given.id)
      truths.push({
        ...given,
        detectable_from: given.detectable_from ?? given.onset,
        failure: given.failure ?? null,
        warn_by: given.warn_by ?? null,
        end,
        ...(metric === undefined ? {} : { metric }),
      })
    }
  } catch (error) {
    throw invalid(`${path}${line === 0 ? '' : `, line ${line}`}: ${messageOf(error)}`, error)
  }
  return truths
}

function valid<T>(schema: z.ZodType<T>, text: string): T {
  const result = schema.safeParse(JSON.parse(text))
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new Error(`/${issue?.path.join('/')}: ${issue?.message}`)
}

function invalid(message: string, cause: unknown): TidemarkError {
  return new TidemarkError('TIDEMARK_TRUTH_INVALID', message, { cause, exitCode: 2 })
}
