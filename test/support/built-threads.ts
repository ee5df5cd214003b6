import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** The thread of a rule's test as it is built: Node starts no thread from a TypeScript source. */
export const builtBacktestThread = pathToFileURL(
  join(import.meta.dirname, '../../dist/bin/backtest-thread.js'),
)
