/** A rule that is to be refused: one that is good, changed at one place. */
export interface BadRule {
  readonly name: string
  readonly good: object
  /** JSON of the bad one; text, since no object can say all that a body can. */
  readonly json: string
  /** Where the refusal points, each once. */
  readonly pointers: readonly string[]
  /** Part of each detail. */
  readonly words: string
}

/** Name, pointer of the change, what stands there, words of the detail, and the pointers where they are others. */
export type Row = readonly [
  name: string,
  at: string,
  value: unknown,
  words: string,
  pointers?: readonly string[],
]

/** In place of a value: nothing stands there. */
export const absent = Symbol('absent')

/** In place of a value: JSON as it is, for what JSON.stringify does not write. */
export class Raw {
  readonly json: string

  constructor(json: string) {
    this.json = json
  }
}

/** A rule that is good for fridges. */
export const goodRule = {
  id: 'corpus',
  name: 'Corpus',
  class: 'maintenance',
  severity: 'major',
  select: { types: ['fridge'] },
  when: { kind: 'threshold', metric: 'temperature_c', above: 8 },
}

/** Bad rules that differ from `goodRule` with `fields` by one place each; `at` and pointers stand below `under`. */
export function badRules(group: string, fields: object, rows: readonly Row[], under = ''): BadRule[] {
  const good = { ...goodRule, ...fields }
  return rows.map(([name, at, value, words, pointers = [at]]) => ({
    name: `${group}: ${name}`,
    good,
    json: changed(good, `${under}${at}`, value),
    pointers: pointers.map((pointer) => `${under}${pointer}`),
    words,
  }))
}

const rawMark = 'the JSON as it is'

function changed(good: object, at: string, value: unknown): string {
  const [, ...path] = at.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  const root: Record<string, unknown> = { rule: structuredClone(good) }
  let key = 'rule'
  let around = root
  for (const part of path) {
    around = around[key] as Record<string, unknown>
    key = part
  }
  if (value === absent) delete around[key]
  else around[key] = value instanceof Raw ? rawMark : value
  const json = JSON.stringify(root.rule)
  return value instanceof Raw ? json.replace(JSON.stringify(rawMark), () => value.json) : json
}
