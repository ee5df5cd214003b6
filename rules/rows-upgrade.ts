import type { Log, TableName } from '../log/log.ts'
import { upgradeInstances } from './instances-upgrade.ts'
import { appliedKeyPrefix } from './rule-changes.ts'

const rowsOfCommit = 1_000

/** What rows of version 0.1 do not have, and what they meant without it. */
const ofRules = { escalate: [], suppressedBy: [] } as const
const ofAlarms = { acknowledgedAt: null, acknowledgedBy: null } as const

/**
 * Makes of all that earlier versions kept of rules and alarms what this one keeps, before anything reads it. Each commit makes whole rows,
 * and one that is made stays as it is, so that it goes on after a crash. Rejects with TIDEMARK_LOG_WRITE.
 */
export async function upgradeRows(log: Log): Promise<void> {
  await fillIn(log, 'rules', ofRules)
  await fillIn(log, 'rule-versions', ofRules)
  // What the engine has applied: told from the rule by what it lacks, every alarm would end as of an edit.
  await fillIn(log, 'meta', ofRules, appliedKeyPrefix)
  await fillIn(log, 'alarms', ofAlarms)
  await upgradeInstances(log)
}

async function fillIn(log: Log, table: TableName, fields: object, prefix = ''): Promise<void> {
  const lacks = ([, row]: [string, object]) => Object.keys(fields).some((name) => !Object.hasOwn(row, name))
  const rows = log.entries<object>(table, { prefix }).filter(lacks)
  for (let at = 0; at < rows.length; at += rowsOfCommit) {
    await log.transaction((tx) => {
      for (const [key, row] of rows.slice(at, at + rowsOfCommit)) tx.put(table, key, { ...fields, ...row })
    })
  }
}
