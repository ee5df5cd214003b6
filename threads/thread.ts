import { Worker } from 'node:worker_threads'
import { TidemarkError } from '../lib/errors.ts'
import type {
  LatestQuery,
  ReadingQuery,
  ReadingStore,
  StoredReading,
  TimelinePage,
  TimelineQuery,
} from '../storage/reading-store.ts'
import type { StoreStatus } from '../storage/storage-writer.ts'
import type { FromThread, PartName, StoreQuestion, ThreadSettings, ToThread } from './messages.ts'

export interface ThreadEvents {
  /** The thread died: whatever it was, the process must end with it. */
  readonly onFailure: (error: Error) => void
  readonly onStoreStatus?: (status: StoreStatus) => void
}

type Question =
  | { readonly kind: 'ask'; readonly question: StoreQuestion }
  | { readonly kind: 'restart'; readonly part: PartName }

const questionsMax = 100
/** Of each thread, as of the main one (scripts/start.sh): what V8 would take by itself, four times that, is not faster, half of it is slower. */
const maxYoungGenerationSizeMb = 24

/** A worker thread of the platform, from the outside. */
export class Thread {
  readonly #worker: Worker
  readonly #events: ThreadEvents
  readonly #questions = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >()
  #nextId = 0
  #hasEnded = false
  #stopped: (() => void) | undefined

  private constructor(worker: Worker, events: ThreadEvents) {
    this.#worker = worker
    this.#events = events
  }

  /** Resolves when the thread's parts run. */
  static start(
    file: 'data-thread' | 'rules-thread',
    settings: ThreadSettings,
    events: ThreadEvents,
  ): Promise<Thread> {
    const worker = new Worker(new URL(`./${file}.js`, import.meta.url), {
      workerData: settings,
      resourceLimits: { maxYoungGenerationSizeMb },
    })
    const thread = new Thread(worker, events)
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromThread) =>
        message.kind === 'ready' ? resolve(thread) : thread.#heard(message),
      )
      worker.on('error', (error: unknown) => {
        const own = ownError(error)
        reject(own)
        thread.#failed(own)
      })
      worker.on('exit', (code) => {
        thread.#hasEnded = true
        if (thread.#stopped === undefined) thread.#failed(new Error(`the thread ${file} ended with ${code}`))
        else thread.#stopped()
      })
    })
  }

  /** The store as HTTP and backups use it, over messages to the thread that has it. */
  readonly store: Pick<ReadingStore, 'readings' | 'timeline' | 'latest' | 'purge' | 'hold' | 'release'> = {
    readings: (query: ReadingQuery) =>
      this.#ask({ kind: 'ask', question: { method: 'readings', query } }) as Promise<StoredReading[]>,
    timeline: (query: TimelineQuery) =>
      this.#ask({ kind: 'ask', question: { method: 'timeline', query } }) as Promise<TimelinePage>,
    latest: (query: LatestQuery) =>
      this.#ask({ kind: 'ask', question: { method: 'latest', query } }) as ReturnType<ReadingStore['latest']>,
    purge: (query: LatestQuery) =>
      this.#ask({ kind: 'ask', question: { method: 'purge', query } }) as Promise<void>,
    hold: () => this.#ask({ kind: 'ask', question: { method: 'hold' } }) as Promise<void>,
    // Never refused because questions wait: it is what they may be waiting for.
    release: () => this.#worker.postMessage({ kind: 'release' } satisfies ToThread),
  }

  /** Cuts a part of this thread off; resolves, when it runs again, with the number of its restarts. */
  restart(part: PartName): Promise<number> {
    return this.#ask({ kind: 'restart', part }) as Promise<number>
  }

  /** Resolves when the thread's parts have stopped and the thread has ended, which one that failed has done. */
  stop(): Promise<void> {
    if (this.#hasEnded) return Promise.resolve()
    return new Promise((resolve) => {
      this.#stopped = resolve
      this.#worker.postMessage({ kind: 'stop' } satisfies ToThread)
    })
  }

  #ask(question: Question): Promise<unknown> {
    if (this.#questions.size >= questionsMax) {
      return Promise.reject(
        new TidemarkError('TIDEMARK_STORE_QUEUE', `${questionsMax} queries are waiting for the store`),
      )
    }
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#questions.set(id, { resolve, reject })
      this.#worker.postMessage({ ...question, id } satisfies ToThread)
    })
  }

  #heard(message: FromThread): void {
    if (message.kind === 'store') this.#events.onStoreStatus?.(message.status)
    if (message.kind !== 'answer' && message.kind !== 'failed') return
    const question = this.#questions.get(message.id)
    this.#questions.delete(message.id)
    if (message.kind === 'answer') question?.resolve(message.value)
    else question?.reject(new TidemarkError(message.code, message.message))
  }

  #failed(error: Error): void {
    for (const { reject } of this.#questions.values()) reject(error)
    this.#questions.clear()
    this.#events.onFailure(error)
  }
}

/** An error as the thread threw it: on the way between threads it loses its class, and keeps its fields. */
function ownError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  const { code, exitCode, message, cause } = error as Partial<TidemarkError> & Error
  if (!code?.startsWith('TIDEMARK_')) return error
  return new TidemarkError(code, message, { cause, ...(exitCode === undefined ? {} : { exitCode }) })
}
