import type { Role } from '../registry/token-registry.ts'
import type { Rule } from '../rules/rule.ts'

/** A rule as people see it: of its webhooks the secret is told to nobody, and the path of the URL to those only who may change it. */
export function shownRule<R extends Rule>(rule: R, role: Role | undefined): R | ShownRule<R> {
  const { actions, ...fields } = rule
  if (actions === undefined) return rule
  return { ...fields, actions: actions.map(({ kind, url }) => ({ kind, url: shownUrl(url, role) })) }
}

type ShownRule<R extends Rule> = Omit<R, 'actions'> & { readonly actions: readonly object[] }

/** Chat services put the right to post into the path. */
export function shownUrl(url: string, role: Role | undefined): string {
  return role === 'admin' ? url : new URL(url).origin
}
