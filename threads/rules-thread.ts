import { parentPort, workerData } from 'node:worker_threads'
import { wallClock } from '../lib/clock.ts'
import { createLogger } from '../lib/logger.ts'
import { exitOnUnhandledRejection } from '../log/commit-failures.ts'
import { openLmdbLog } from '../log/lmdb-log.ts'
import { RulesEngine } from '../rules/rules-engine.ts'
import type { FromThread, ThreadSettings } from './messages.ts'

/** The thread of the rules engine. */
const settings = workerData as ThreadSettings
const port = parentPort!
const tell = (message: FromThread) => port.postMessage(message)
// Thrown on, it ends the thread, and the thread's end the process.
exitOnUnhandledRejection((reason) => {
  throw reason
})

const logger = createLogger(settings.logLevel, { part: 'rules' })
const log = await openLmdbLog({ path: settings.logPath, doorbell: settings.doorbell })
const engine = new RulesEngine({ log, clock: wallClock, logger, pairsMax: settings.rulePairsMax })
engine.start()

port.on('message', async () => {
  await engine.stop()
  await log.close()
  port.close()
})
tell({ kind: 'ready' })
