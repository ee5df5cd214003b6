import { parentPort, workerData } from 'node:worker_threads'
import { Analytics } from '../analytics/analytics.ts'
import { Ingest } from '../ingest/ingest.ts'
import { delay } from '../lib/clock.ts'
import { messageOf, TidemarkError } from '../lib/errors.ts'
import { createLogger } from '../lib/logger.ts'
import { exitOnUnhandledRejection } from '../log/commit-failures.ts'
import { openLmdbLog } from '../log/lmdb-log.ts'
import { createStore } from '../storage/open-store.ts'
import { StorageWriter, type StoreStatus } from '../storage/storage-writer.ts'
import type { FromThread, StoreQuestion, ThreadSettings, ToThread } from './messages.ts'
import { RestartablePart } from './restartable-part.ts'

const storageStopMsMax = 2_000

/** The thread of ingest, the storage writer, the store, and live aggregates. */
const settings = workerData as ThreadSettings
const port = parentPort!
const tell = (message: FromThread) => port.postMessage(message)
// Thrown on, it ends the thread, and the thread's end the process.
exitOnUnhandledRejection((reason) => {
  throw reason
})

const logger = createLogger(settings.logLevel, { part: 'data' })
const log = await openLmdbLog({ path: settings.logPath, doorbell: settings.doorbell })
const store = await createStore(settings.store, logger)
await store.open()
const onStatus = (status: StoreStatus) => tell({ kind: 'store', status })
const ingest = new RestartablePart(log, (own) => new Ingest({ log: own, logger }))
const storage = new RestartablePart(log, (own) => new StorageWriter({ log: own, store, logger, onStatus }))
const analytics = new RestartablePart(log, (own) => new Analytics({ log: own, store, logger }))
const parts = { ingest, storage, analytics }
for (const part of Object.values(parts)) part.start()

port.on('message', async (message: ToThread) => {
  if (message.kind === 'ask') {
    await answer(message.id, message.question)
    return
  }
  if (message.kind === 'release') {
    store.release()
    return
  }
  if (message.kind === 'restart') {
    const part = parts[message.part as keyof typeof parts]
    tell({ kind: 'answer', id: message.id, value: await part.restart() })
    return
  }
  await ingest.stop()
  // What a database that hangs has in hand is written again after the next start.
  await Promise.race([Promise.all([storage.stop(), analytics.stop()]), delay(storageStopMsMax)])
  await store.close()
  await log.close()
  // A write to a database that hangs must not keep the thread.
  process.exit()
})
tell({ kind: 'ready' })

async function answer(id: number, question: StoreQuestion): Promise<void> {
  try {
    tell({ kind: 'answer', id, value: await ask(question) })
  } catch (error) {
    const code = error instanceof TidemarkError ? error.code : 'TIDEMARK_STORE_QUERY'
    tell({ kind: 'failed', id, code, message: messageOf(error) })
  }
}

function ask(question: StoreQuestion): Promise<unknown> {
  switch (question.method) {
    case 'readings':
      return store.readings(question.query)
    case 'timeline':
      return store.timeline(question.query)
    case 'latest':
      return store.latest(question.query)
    case 'purge':
      return store.purge(question.query)
    case 'hold':
      return store.hold()
  }
}
