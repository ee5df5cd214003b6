import { parentPort } from 'node:worker_threads'
import { Backtest } from '../rules/backtest.ts'
import type { FromBacktest, ToBacktest } from './messages.ts'

/** The thread of tests of rules, one after the other: nothing but the plan of each, and the readings that it is told. */
const port = parentPort!
let backtest: Backtest | undefined
const tell = (message: FromBacktest) => port.postMessage(message)

port.on('message', (message: ToBacktest) => {
  switch (message.kind) {
    case 'begin':
      backtest = new Backtest(message.plan)
      return
    case 'readings':
      backtest!.add(message.readings)
      break
    case 'forget':
      backtest!.forget()
      break
    case 'evaluate':
      for (const progress of backtest!.evaluate()) tell({ kind: 'progress', progress })
      break
    case 'end':
      tell({ kind: 'progress', progress: backtest!.finish() })
      backtest = undefined
  }
  tell({ kind: 'done' })
})
