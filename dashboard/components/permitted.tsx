import type { ComponentChildren } from 'preact'
import type { Role } from '../api/types.ts'
import { useMay } from '../state/console.ts'

/**
 * What the token of this tab may do. In the place of what it may not, why: `action` begins that sentence; without it nothing is said, as
 * where one place speaks for many.
 */
export function Permitted({
  needs,
  action,
  children,
}: {
  needs: Role
  action?: string
  children?: ComponentChildren
}) {
  const { may, own } = useMay(needs)
  if (may) return <>{children}</>
  if (action === undefined || own === undefined) return null
  return (
    <span class="faint">
      {action} needs the role {needs}; this token has {own}
    </span>
  )
}
