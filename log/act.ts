import type { AuditAction, AuditDetails } from '../domain/audit-entry.ts'
import type { LogTransaction } from './log.ts'

/** What somebody does, and the place where that is written down. */
export interface Act {
  /** Name of their token. */
  readonly by: string
  /**
   * Writes an entry of the audit log in the transaction that makes the change, so that neither is there without the other; not called
   * where nothing changes. `id` is of what is changed, null of several, which `details` names.
   */
  write(tx: LogTransaction, action: AuditAction, id: string | null, details?: AuditDetails): void
}
