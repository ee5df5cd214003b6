import type { Profile } from '../domain/profile.ts'
import { coldChain } from './packs/cold-chain.ts'
import { deviceHealth } from './packs/device-health.ts'
import { electricity } from './packs/electricity.ts'
import { gas } from './packs/gas.ts'
import { homeEnergy } from './packs/home-energy.ts'
import { hvac } from './packs/hvac.ts'
import { indoorAir } from './packs/indoor-air.ts'
import type { RulePack } from './packs/rule-pack.ts'
import { vibration } from './packs/vibration.ts'
import { water } from './packs/water.ts'
import { wearables } from './packs/wearables.ts'
import type { Rule, Selection } from './rule.ts'
import type { RuleProblem } from './rule-problem.ts'
import { validateRule } from './rule-schema.ts'

/** All that ship, in order of their names. */
export const rulePacks: readonly RulePack[] = [
  coldChain,
  deviceHealth,
  electricity,
  gas,
  homeEnergy,
  hvac,
  indoorAir,
  vibration,
  water,
  wearables,
]

export function findRulePack(name: string): RulePack | undefined {
  return rulePacks.find((pack) => pack.name === name)
}

/** What an installation narrows the rules of a pack to, beside what each selects itself. */
export type Narrowing = Partial<Pick<Selection, 'labels' | 'devices'>>

export type PackRules =
  | { readonly ok: true; readonly rules: readonly Rule[] }
  | { readonly ok: false; readonly errors: readonly RuleProblem[] }

/**
 * The rules of a pack as they are installed: narrowed, checked against the profiles there are, defaults filled in. A label that
 * a rule itself asks for with another value could never match, and is a problem; so is what a user's own profile excludes.
 */
export function packRules(
  pack: RulePack,
  profiles: ReadonlyMap<string, Profile>,
  { labels = {}, devices = [] }: Narrowing = {},
): PackRules {
  const rules: Rule[] = []
  const errors: RuleProblem[] = []
  for (const given of pack.rules) {
    const own = given.select.labels ?? {}
    for (const [name, value] of Object.entries(labels)) {
      if (!Object.hasOwn(own, name) || own[name] === value) continue
      errors.push({
        pointer: `/select/labels/${name}`,
        detail: `${given.id} asks for ${name} = ${own[name]}`,
      })
    }
    const select = { ...given.select, labels: { ...own, ...labels }, devices }
    const checked = validateRule({ ...given, select }, { profiles })
    if (checked.ok) rules.push(checked.rule)
    else errors.push(...checked.errors.map(({ pointer, detail }) => placed(given.id, pointer, detail)))
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, rules }
}

/** A problem of what was narrowed is in the body; any other is in the pack, which is not. */
function placed(id: string, pointer: string, detail: string): RuleProblem {
  const isNarrowing = pointer.startsWith('/select/labels/') || pointer.startsWith('/select/devices/')
  return isNarrowing
    ? { pointer, detail: `${id}: ${detail}` }
    : { pointer: '/pack', detail: `${id}${pointer}: ${detail}` }
}
