import { Worker } from 'node:worker_threads'
import { TidemarkError } from '../lib/errors.ts'
import {
  type BacktestPlan,
  type BacktestProgress,
  type BacktestResult,
  type BacktestStep,
  inOrderOfEvents,
  type TestedTransition,
} from '../rules/backtest.ts'
import type { FromBacktest, ToBacktest } from './messages.ts'

export interface BacktestsOptions {
  /** The program of the thread. */
  readonly file?: URL
  /** After it a test ends with what it has found. */
  readonly timeMsMax?: number
  /** Of the heap of a test's thread. */
  readonly heapMbMax?: number
  /** How long a thread is kept for the next test. */
  readonly idleMsMax?: number
}

const timeMsMax = 30_000
/** Tests that wait while one runs. */
const waitingMax = 3
/** A million readings of a few metrics, and the state of rules over them. */
const heapMbMax = 1_024
/** A rule is tested again and again while it is written, and to start a thread takes longer than most tests. */
const idleMsMax = 30_000

/**
 * Tests of rules on past readings, in a thread of their own: one at a time, so that they take one core at most. A test that fails
 * or is cut short takes its thread with it and nothing else; the next has another.
 */
export class Backtests {
  readonly #file: URL
  readonly #timeMsMax: number
  readonly #heapMbMax: number
  readonly #idleMsMax: number
  readonly #stopping = new AbortController()
  #idle: { readonly thread: BacktestThread; readonly timer: NodeJS.Timeout } | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #open = 0

  constructor(options: BacktestsOptions = {}) {
    this.#file = options.file ?? new URL('./backtest-thread.js', import.meta.url)
    this.#timeMsMax = options.timeMsMax ?? timeMsMax
    this.#heapMbMax = options.heapMbMax ?? heapMbMax
    this.#idleMsMax = options.idleMsMax ?? idleMsMax
  }

  /** Rejects with TIDEMARK_RULE_TEST_QUEUE when too many wait; with what `steps` throw; and when the thread dies. */
  async run(plan: BacktestPlan, steps: AsyncIterable<BacktestStep>): Promise<BacktestResult> {
    if (this.#open > waitingMax || this.#stopping.signal.aborted) {
      const message = `${waitingMax} tests of rules are waiting already`
      throw new TidemarkError('TIDEMARK_RULE_TEST_QUEUE', message)
    }
    this.#open++
    const result = this.#turn.then(() => this.#run(plan, steps))
    this.#turn = result.catch(() => undefined)
    try {
      return await result
    } finally {
      this.#open--
    }
  }

  /** Ends the one that runs, with what it has found, and those that wait. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#turn
    await this.#taken()?.end()
  }

  async #run(plan: BacktestPlan, steps: AsyncIterable<BacktestStep>): Promise<BacktestResult> {
    const { signal } = this.#stopping
    if (signal.aborted) return { transitions: [], evaluated: 0, truncated: true }
    const thread = this.#taken() ?? new BacktestThread(this.#file, this.#heapMbMax)
    let isDone = false
    let cut: () => void = () => undefined
    const cutShort = new Promise<boolean>((resolve) => {
      cut = () => resolve(true)
    })
    const timer = setTimeout(cut, this.#timeMsMax)
    signal.addEventListener('abort', cut, { once: true })
    try {
      const truncated = await Promise.race([thread.take(plan, steps), cutShort])
      isDone = !truncated
      const { transitions, evaluated } = thread
      return { transitions: inOrderOfEvents(transitions), evaluated, truncated }
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', cut)
      if (isDone) this.#keep(thread)
      else await thread.end()
    }
  }

  #keep(thread: BacktestThread): void {
    const timer = setTimeout(() => void this.#taken()?.end(), this.#idleMsMax)
    this.#idle = { thread, timer: timer.unref() }
  }

  /** The thread that was kept, which then is no longer. */
  #taken(): BacktestThread | undefined {
    const { thread, timer } = this.#idle ?? {}
    clearTimeout(timer)
    this.#idle = undefined
    return thread
  }
}

/** The thread of tests, from outside. */
class BacktestThread {
  transitions: TestedTransition[] = []
  evaluated = 0
  #isFull = false
  readonly #worker: Worker
  #failure: Error | undefined
  #waiting: { resolve: () => void; reject: (error: Error) => void } | undefined

  constructor(file: URL, heapMbMax: number) {
    this.#worker = new Worker(file, { resourceLimits: { maxOldGenerationSizeMb: heapMbMax } })
    this.#worker.on('message', (message: FromBacktest) => this.#heard(message))
    this.#worker.on('error', (cause) =>
      this.#failed(new Error('the thread of a rule’s test died', { cause })),
    )
    this.#worker.on('exit', (code) =>
      this.#failed(new Error(`the thread of a rule’s test ended with ${code}`)),
    )
  }

  /** Begins a test and hands over its steps one by one, each when the one before is done; resolves with whether a bound was met. */
  async take(plan: BacktestPlan, steps: AsyncIterable<BacktestStep>): Promise<boolean> {
    this.transitions = []
    this.evaluated = 0
    this.#worker.postMessage({ kind: 'begin', plan } satisfies ToBacktest)
    for await (const step of steps) {
      await this.#tell(step)
      if (this.#isFull) return true
    }
    await this.#tell({ kind: 'end' })
    return this.#isFull
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  #tell(message: Exclude<ToBacktest, { kind: 'begin' }>): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure)
      this.#waiting = { resolve, reject }
      this.#worker.postMessage(message)
    })
  }

  #heard(message: FromBacktest): void {
    if (message.kind === 'progress') this.#add(message.progress)
    else this.#waiting?.resolve()
  }

  #add({ transitions, evaluated, isFull }: BacktestProgress): void {
    this.transitions.push(...transitions)
    this.evaluated += evaluated
    this.#isFull ||= isFull
  }

  #failed(error: Error): void {
    this.#failure ??= error
    this.#waiting?.reject(this.#failure)
  }
}
