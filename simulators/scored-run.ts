import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TidemarkError } from '../lib/errors.ts'
import { dispatchDuring } from './dispatcher.ts'
import { type Kill, type KilledPart, killInTurn } from './kills.ts'
import type { OwnPlatform } from './own-platform.ts'
import { peakMemoryMiB } from './platform-memory.ts'
import { unreconciled } from './reconcile.ts'
import { type RunOptions, type RunReport, run } from './run.ts'
import { type Assessment, assess } from './score/assess.ts'
import { dispatchFigures, type RunFigures, verifyFigures } from './score/figures.ts'
import { backfillDiffers, eventsDiffer } from './transitions.ts'
import { type VerifyReport, verify } from './verify.ts'

/** Wall time from one kill to the next, at most. */
const killEveryMsMax = 20_000

export interface ScoredRunOptions extends RunOptions {
  /** How long to wait for the platform to have caught up with what it acknowledged. */
  readonly settleMs: number
  /** Which the run may kill; needed where the scenario kills the platform. */
  readonly platform?: Pick<OwnPlatform, 'kill' | 'start'> | undefined
  readonly onKilled?: (kill: Kill) => void
}

export interface ScoredRunReport {
  readonly run: RunReport
  /** Of the ledger, where one was asked for or a mark is of it. */
  readonly verify?: VerifyReport
  /** None of a scenario without faults and marks, nor of a run that was interrupted. */
  readonly score?: Assessment
  /** Why nobody knows the rest: the platform did not answer any more, or this was interrupted (TIDEMARK_INTERRUPTED). */
  readonly failure?: TidemarkError
  /** Of a scenario that kills. */
  readonly kills?: readonly Kill[]
  /** Those that were not killed: the run was too short. */
  readonly killsLeftOut?: readonly KilledPart[]
}

/**
 * Runs a plan, then says what it showed: what was lost, what was told, and which marks were reached. Files that nobody asked for
 * are temporary. Rejects as `run` does; what fails afterwards is in the report.
 */
export async function scoredRun(options: ScoredRunOptions): Promise<ScoredRunReport> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-run-'))
  try {
    return await runAndScore(options, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function runAndScore(options: ScoredRunOptions, folder: string): Promise<ScoredRunReport> {
  const { scenario, plan, settleMs, signal } = options
  const api = options.api.until(signal)
  const asked = new Set(scenario.pass.map(({ figure }) => figure))
  const needsLedger = verifyFigures.some((figure) => asked.has(figure))
  const ledger = options.ledger ?? (needsLedger ? join(folder, 'ledger.ndjson') : undefined)
  const truth = options.truth ?? join(folder, 'truth.ndjson')
  const over = new AbortController()
  const memory = peakMemoryMiB(options.api, over.signal)
  const dispatch = dispatchFigures.some((figure) => asked.has(figure))
    ? dispatchDuring(
        { ...options, api, file: join(folder, 'dispatch.json'), interrupted: signal },
        over.signal,
      )
    : undefined
  // Where the run itself fails nobody asks how this ended.
  dispatch?.catch(() => undefined)
  const { report, ...killed } = await runAndKill({ ...options, ledger, truth }, over)
  const ran = { run: report, ...killed }
  const found: { verify?: VerifyReport; score?: Assessment } = {}
  const find = async () => {
    api.throwIfInterrupted()
    if (ledger !== undefined) found.verify = await verify({ ledger, api, settleMs })
    if (plan.truths.length === 0 && scenario.pass.length === 0) return
    const memoryMiB = await memory
    const figures: RunFigures = {
      ...found.verify,
      ackP99Ms: report.ackMs.p99,
      ...(report.eventMs && { eventP99Ms: report.eventMs.p99 }),
      ...(memoryMiB !== undefined && { platformMemoryMiB: memoryMiB }),
      ...(await dispatch),
      ...(asked.has('unreconciled') && { unreconciled: await unreconciled(api, plan, settleMs) }),
      ...(asked.has('eventsDiffer') && { eventsDiffer: await eventsDiffer(api, plan) }),
      ...(asked.has('backfillDiffers') && { backfillDiffers: await backfillDiffers(api, plan) }),
    }
    found.score = await assess({ truthFile: truth, api, settleMs, nowMs: plan.endMs, run: figures })
  }
  try {
    await find()
    return { ...ran, ...found }
  } catch (failure) {
    if (failure instanceof TidemarkError) return { ...ran, ...found, failure }
    throw failure
  }
}

/** Runs, and kills what the scenario says meanwhile; aborts `over` when the run has ended. */
async function runAndKill(options: ScoredRunOptions, over: AbortController) {
  const { scenario, plan, speed, api, platform, onKilled } = options
  const { kills } = scenario
  if (kills.length === 0) return { report: await run(options).finally(() => over.abort()) }
  let unacknowledged = 0
  let killing: Promise<Kill[]> = Promise.resolve([])
  const everyMs = Math.min(killEveryMsMax, (plan.endMs - plan.startMs) / speed / (kills.length + 1))
  const report = await run({
    ...options,
    onProgress: (progress) => {
      unacknowledged = progress.sent - progress.acknowledged
      options.onProgress?.(progress)
    },
    onConnected: () => {
      options.onConnected?.()
      const { signal } = over
      killing = killInTurn({
        ...{
          api,
          kills,
          platform,
          everyMs: everyMs || killEveryMsMax,
          signal,
          onKilled: onKilled ?? (() => undefined),
        },
        unacknowledged: () => unacknowledged,
      })
      // Its failure is told when the run has ended.
      killing.catch(() => undefined)
    },
  }).finally(() => over.abort())
  const done = await killing
  return { report, kills: done, killsLeftOut: kills.slice(done.length) }
}
