import { parentPort, workerData } from 'node:worker_threads'
import { Backtest, type BacktestPlan } from '../rules/backtest.ts'
import type { FromBacktest, ToBacktest } from './messages.ts'

/** The thread of one test of a rule: nothing but its plan, and the readings that it is told. */
const port = parentPort!
const backtest = new Backtest(workerData as BacktestPlan)
const tell = (message: FromBacktest) => port.postMessage(message)

port.on('message', (message: ToBacktest) => {
  switch (message.kind) {
    case 'readings':
      backtest.add(message.readings)
      break
    case 'forget':
      backtest.forget()
      break
    case 'evaluate':
      for (const progress of backtest.evaluate()) tell({ kind: 'progress', progress })
      break
    case 'end':
      tell({ kind: 'progress', progress: backtest.finish() })
  }
  tell({ kind: 'done' })
})
