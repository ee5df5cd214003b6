import type { BacktestPlan, BacktestProgress, BacktestStep } from '../rules/backtest.ts'
import type { StoreConfig } from '../storage/open-store.ts'
import type { LatestQuery, ReadingQuery, TimelineQuery } from '../storage/reading-store.ts'
import type { StoreStatus } from '../storage/storage-writer.ts'

/** What a thread is given at its start. */
export interface ThreadSettings {
  readonly logPath: string
  readonly doorbell: SharedArrayBuffer
  readonly logLevel: string
  readonly store: StoreConfig
  readonly rulePairsMax: number
}

/** A question to the store, which lives in the data thread: DuckDB allows one writing process and is opened once. */
export type StoreQuestion =
  | { readonly method: 'readings'; readonly query: ReadingQuery }
  | { readonly method: 'timeline'; readonly query: TimelineQuery }
  | { readonly method: 'latest'; readonly query: LatestQuery }
  | { readonly method: 'purge'; readonly query: LatestQuery }
  | { readonly method: 'hold' }

/** Parts that can be cut off and started anew, by the thread that runs them. */
export const partNames = { data: ['ingest', 'storage', 'analytics'], rules: ['rules'] } as const
export type PartName = (typeof partNames)[keyof typeof partNames][number]

export type ToThread =
  | { readonly kind: 'stop' }
  /** Ends what the question `hold` began. */
  | { readonly kind: 'release' }
  /** Answered, when the part runs again, with the number of its restarts. */
  | { readonly kind: 'restart'; readonly id: number; readonly part: PartName }
  | { readonly kind: 'ask'; readonly id: number; readonly question: StoreQuestion }

export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'store'; readonly status: StoreStatus }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | {
      readonly kind: 'failed'
      readonly id: number
      readonly code: `TIDEMARK_${string}`
      readonly message: string
    }

/** To the thread of tests of rules, `begin` to `end` for each: all but `begin` are answered by `done`. */
export type ToBacktest =
  | { readonly kind: 'begin'; readonly plan: BacktestPlan }
  | BacktestStep
  | { readonly kind: 'end' }

export type FromBacktest =
  | { readonly kind: 'progress'; readonly progress: BacktestProgress }
  /** What was told last is done. */
  | { readonly kind: 'done' }
