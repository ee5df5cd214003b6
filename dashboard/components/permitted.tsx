import type { ComponentChildren } from 'preact'
import type { Role } from '../api/types.ts'
import { useMay } from '../state/console.ts'

/** What the token of this tab may do; in the place of what it may not, why. Nothing with `isQuiet`, where it is told once for many. */
export function Permitted({
  needs,
  isQuiet,
  children,
}: {
  needs: Role
  isQuiet?: boolean
  children: ComponentChildren
}) {
  const { may, own } = useMay(needs)
  if (may) return <>{children}</>
  if (isQuiet || own === undefined) return null
  return (
    <span class="faint">
      Needs the role {needs}; this token has {own}
    </span>
  )
}
