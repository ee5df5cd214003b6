import type { Log } from '../log/log.ts'
import { instanceKey } from './kept-state.ts'

const rowsOfCommit = 5_000

/**
 * Moves the rows of `rule-state`, which lay by rule and then by device before version 0.2, to `instances`. Each commit moves whole
 * rows, so that it goes on after a crash; before the first rules engine starts. Rejects with TIDEMARK_LOG_WRITE.
 */
export async function upgradeInstances(log: Log): Promise<void> {
  for (;;) {
    const rows = log.entries('rule-state', { limit: rowsOfCommit })
    if (rows.length === 0) return
    await log.transaction((tx) => {
      for (const [key, state] of rows) {
        const [ruleId, device] = key.split('|') as [string, string]
        tx.put('instances', instanceKey(ruleId, decodeURIComponent(device)), state)
        tx.remove('rule-state', key)
      }
    })
  }
}
