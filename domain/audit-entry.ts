/** What the audit log tells of; the part before the dot is the kind of its target. */
export const auditActions = [
  'alarm.acknowledged',
  'alarm.cleared',
  'alarm.commented',
  'alarm.shelved',
  'backup_hold.begun',
  'backup_hold.ended',
  'command.cancelled',
  'command.sent',
  'dead_delivery.replayed',
  'dead_letter.replayed',
  'device.created',
  'device.deleted',
  'device.purge_begun',
  'device.secret_rotated',
  'device.updated',
  'maintenance_window.created',
  'maintenance_window.deleted',
  'maintenance_window.updated',
  'part.restarted',
  'profile.deleted',
  'profile.put',
  'rule.created',
  'rule.deleted',
  'rule.disabled',
  'rule.enabled',
  'rule.updated',
  'token.created',
  'token.revoked',
  'token.updated',
  'webhook.created',
  'webhook.deleted',
  'webhook.tested',
  'webhook.updated',
] as const
export type AuditAction = (typeof auditActions)[number]

/** Names of fields, versions, ids: never a secret, nor a value that may be one, nor what a device sent or is sent. */
export type AuditDetails = Readonly<Record<string, string | number | null | readonly (string | number)[]>>

/** An administrative action, as the record of the `audit` stream; nothing changes it. Its id is its `recordNumber` there. */
export interface AuditEntry {
  /** RFC 3339, by the platform's clock. */
  readonly time: string
  /** The token, as it was then. */
  readonly actor: { readonly id: string; readonly name: string; readonly role: string }
  /** From which the request came: that of a proxy where there is one. */
  readonly address: string
  readonly requestId: string
  /** As `/openapi.json` names it: `PATCH /api/v1/rules/{id}`. */
  readonly operation: string
  readonly action: AuditAction
  /** `id` is null where there are several, named in `details`. Of what is refused it is the last one in the path, null where there is none. */
  readonly target: { readonly kind: string; readonly id: string | null }
  /** `refused`: the role of the token was too low, and nothing was done. */
  readonly outcome: 'done' | 'refused'
  readonly details: AuditDetails
}
