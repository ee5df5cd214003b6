import type { Log } from '../log/log.ts'
import { instanceKey } from './kept-state.ts'

const rowsOfCommit = 5_000

/** Between the two in the keys of version 0.1, where the device stood as it is; after that `|`, and the device encoded. */
const oldSeparator = '\u0000'

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
        const [ruleId, device] = ownerOf(key)
        tx.put('instances', instanceKey(ruleId, device), state)
        tx.remove('rule-state', key)
      }
    })
  }
}

function ownerOf(key: string): readonly [ruleId: string, device: string] {
  const at = key.indexOf(oldSeparator)
  if (at !== -1) return [key.slice(0, at), key.slice(at + oldSeparator.length)]
  const [ruleId, device] = key.split('|') as [string, string]
  return [ruleId, decodeURIComponent(device)]
}
