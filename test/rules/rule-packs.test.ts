import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { shippedProfiles } from '../../domain/shipped-profiles.ts'
import { findRulePack, packRules, rulePacks } from '../../rules/rule-packs.ts'
import { repositoryRoot } from '../support/platform-process.ts'

const profiles = new Map(shippedProfiles.map((profile) => [profile.type, profile]))
const page = readFileSync(join(repositoryRoot, 'docs/RULE-PACKS.md'), 'utf8')

describe.each(rulePacks.map((pack) => [pack.name, pack] as const))('pack %s', (name, pack) => {
  test('is valid with the shipped profiles', () => {
    expect(packRules(pack, profiles)).toMatchObject({ ok: true })
  })

  test('every rule has the pack’s name before its own, and names pack and standard', () => {
    expect(pack.standards.length).toBeGreaterThan(0)
    for (const { id, labels, message } of pack.rules) {
      expect(id.startsWith(`${name}-`), id).toBe(true)
      expect(Object.keys(labels).sort()).toEqual(['pack', 'standard'])
      expect(labels.pack).toBe(name)
      expect(labels.standard.trim(), id).not.toBe('')
      expect(message, id).toContain('{device}')
    }
  })

  test('every rule has a place in docs/RULE-PACKS.md', () => {
    expect(pack.rules.map(({ id }) => id).filter((id) => !page.includes(`\`${id}\``))).toEqual([])
  })
})

test('no id is in two packs, and every suppressor is in its own', () => {
  const ids = rulePacks.flatMap(({ rules }) => rules.map(({ id }) => id))
  expect(new Set(ids).size).toBe(ids.length)
  for (const { rules } of rulePacks) {
    const own = new Set(rules.map(({ id }) => id))
    const named = rules.flatMap(({ suppressedBy = [] }) => suppressedBy)
    expect(named.filter((id) => !own.has(id))).toEqual([])
  }
})

test('docs/RULE-PACKS.md has no rule that there is not', () => {
  const ids = new Set(rulePacks.flatMap(({ rules }) => rules.map(({ id }) => id)))
  const prefixes = rulePacks.map(({ name }) => name).join('|')
  const told = [...page.matchAll(new RegExp(`\`((?:${prefixes})-[a-z0-9-]+)\``, 'g'))].map(([, id]) => id!)
  expect(told.length).toBeGreaterThan(60)
  expect(told.filter((id) => !ids.has(id))).toEqual([])
})

test('there is no pack of another name', () => {
  expect(findRulePack('water')?.name).toBe('water')
  expect(findRulePack('constructor')).toBeUndefined()
})
