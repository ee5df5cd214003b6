import { diffLines } from 'diff'
import type { Rule } from '../api/types.ts'
import { draftText } from '../rule-draft.ts'

/** What a version of a rule changed, line by line; without one before it, the version itself. */
export function Difference({ before, after }: { before: Rule | undefined; after: Rule }) {
  const parts = before === undefined ? [{ value: textOf(after) }] : diffLines(textOf(before), textOf(after))
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a long text scrolls, and by keyboard too
    <pre class="difference" tabIndex={0}>
      {parts.map((part, i) => (
        <Part key={i} {...part} />
      ))}
    </pre>
  )
}

function Part({ value, added, removed }: { value: string; added?: boolean; removed?: boolean }) {
  const sign = added ? '+' : removed ? '-' : ' '
  const text = value.replace(/^(?=.)/gm, `${sign} `)
  if (added) return <ins>{text}</ins>
  return removed ? <del>{text}</del> : <span>{text}</span>
}

/** Without what every version changes. */
function textOf(rule: Rule): string {
  return draftText({ ...rule, version: undefined, updatedAt: undefined, updatedBy: undefined })
}
