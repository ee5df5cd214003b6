import { kindOf } from '../../../rules/condition-kinds.ts'
import type { Condition } from '../../../rules/rule.ts'

/** Where the condition's schema finds problems, as JSON pointers below the condition; unknown fields by their own. */
export function problemsOf(condition: unknown): string[] {
  const parsed = kindOf(condition as Condition).schema.safeParse(condition)
  return (parsed.error?.issues ?? []).flatMap((issue) => {
    const path = issue.path.map((part) => `/${String(part)}`).join('')
    return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => `${path}/${key}`) : [path]
  })
}
