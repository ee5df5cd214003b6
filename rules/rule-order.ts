import type { CompiledRule } from './compile.ts'

/**
 * Rules such that each comes after those that it depends on; of those that may stand anywhere, by id. Where edits made a circle, a
 * rule of it sees what the others were at the reading before.
 */
export function inOrderOfDependence(rules: ReadonlyMap<string, CompiledRule>): CompiledRule[] {
  const ordered: CompiledRule[] = []
  const seen = new Set<string>()
  const visit = (id: string): void => {
    const rule = rules.get(id)
    if (rule === undefined || seen.has(id)) return
    seen.add(id)
    for (const other of rule.dependsOn) visit(other)
    ordered.push(rule)
  }
  for (const id of [...rules.keys()].sort()) visit(id)
  return ordered
}
