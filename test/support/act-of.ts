import type { Act } from '../../log/act.ts'

/** What somebody of that name does, written down nowhere. */
export function actOf(by: string): Act {
  return { by, write: () => undefined }
}
