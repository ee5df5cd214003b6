import { parentPort, workerData } from 'node:worker_threads'
import { wallClock } from '../lib/clock.ts'
import { createLogger } from '../lib/logger.ts'
import { exitOnUnhandledRejection } from '../log/commit-failures.ts'
import { openLmdbLog } from '../log/lmdb-log.ts'
import { RulesEngine } from '../rules/rules-engine.ts'
import type { FromThread, ThreadSettings, ToThread } from './messages.ts'
import { RestartablePart } from './restartable-part.ts'

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
const { rulePairsMax: pairsMax } = settings
const engine = new RestartablePart(
  log,
  (own) => new RulesEngine({ log: own, clock: wallClock, logger, pairsMax }),
)
engine.start()

port.on('message', async (message: ToThread) => {
  if (message.kind === 'restart') {
    tell({ kind: 'answer', id: message.id, value: await engine.restart() })
    return
  }
  await engine.stop()
  await log.close()
  port.close()
})
tell({ kind: 'ready' })
