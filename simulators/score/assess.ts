import { TidemarkError } from '../../lib/errors.ts'
import type { ApiClient } from '../api-client.ts'
import type { Mark } from '../scenario.ts'
import type { Truth } from '../truth.ts'
import { raisedEvents } from './events.ts'
import type { RunFigures } from './figures.ts'
import { type JudgedMark, judge } from './marks.ts'
import { isGroup, type ScoredSpan } from './matching.ts'
import { type Score, score } from './score.ts'
import { settled } from './settled.ts'
import { readRunFile, readTruths } from './truth-file.ts'

export interface AssessOptions {
  readonly truthFile: string
  readonly api: ApiClient
  /** How long to wait for the platform to have caught up. */
  readonly settleMs: number
  /** The clock, Unix ms: where a fault has no end and no run file says when the run ended. */
  readonly nowMs: number
  /** Instead of what the run file says. */
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
  readonly marks?: readonly Mark[] | undefined
  /** What the run measured itself. */
  readonly run?: RunFigures
}

export interface Assessment {
  readonly scenario?: string
  readonly seed?: number
  /** What was scored. */
  readonly span: ScoredSpan
  /** False when the platform had not caught up with what it acknowledged: what is missing may still come. */
  readonly settled: boolean
  /** False when the platform had dropped events that may have been of the run. */
  readonly complete: boolean
  readonly score: Score
  readonly marks: readonly JudgedMark[]
}

/**
 * Scores what a platform told of a run against its truth file. Rejects with TIDEMARK_TRUTH_INVALID or TIDEMARK_SCENARIO_INVALID
 * (exit code 2), TIDEMARK_API_UNREACHABLE (3) or TIDEMARK_API_ERROR.
 */
export async function assess(options: AssessOptions): Promise<Assessment> {
  const { truthFile, api, settleMs, nowMs } = options
  const run = readRunFile(truthFile)
  const truths = readTruths(truthFile, options.toMs ?? run?.endMs ?? nowMs)
  const span = {
    startMs: options.fromMs ?? run?.startMs ?? firstOnset(truths, truthFile),
    endMs: options.toMs ?? run?.endMs ?? truths.reduce((last, { end }) => Math.max(last, end), 0),
    devices: run?.devices ?? [...new Set(truths.map(({ device }) => device))].filter((id) => !isGroup(id)),
  }
  if (span.endMs < span.startMs) throw invalid('the time to score ends before it begins')
  const marks = options.marks ?? run?.pass ?? []
  // Before the platform is asked for anything: a mark that asks for no figure is a mistake, whatever was told.
  judge(marks, score([], [], span))
  const { isSettled } = await settled(api, settleMs)
  const graceMs = truths.reduce((most, { grace }) => Math.max(most, grace), 0)
  const { events, isComplete } = await raisedEvents(api, span.startMs, span.endMs + graceMs)
  const result = score(truths, events, span)
  return {
    ...(run === undefined ? {} : { scenario: run.scenario, seed: run.seed }),
    span,
    settled: isSettled,
    complete: isComplete,
    score: result,
    marks: judge(marks, result, options.run),
  }
}

function firstOnset(truths: readonly Truth[], file: string): number {
  if (truths.length === 0) throw invalid(`${file} holds no truth, and no run file beside it says what ran`)
  return truths.reduce((first, { onset }) => Math.min(first, onset), Number.POSITIVE_INFINITY)
}

function invalid(message: string): TidemarkError {
  return new TidemarkError('TIDEMARK_TRUTH_INVALID', message, { exitCode: 2 })
}
