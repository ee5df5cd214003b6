import { existsSync, readdirSync } from 'node:fs'
import { join, posix } from 'node:path'
import { expect, test } from 'vitest'
import { folderOf, readFiles, readSources, repositoryRoot } from './source-files.ts'

const pages = readFiles('.md')
const sources = readSources()

test('every folder of sources has a README that states its promise', () => {
  const folders = new Set([...sources.keys()].filter((path) => path.includes('/')).map(folderOf))
  expect(folders.size).toBeGreaterThan(10)
  const silent = [...folders].filter((folder) => !pages.get(`${folder}/README.md`)?.includes('**Promise.**'))
  expect(silent).toEqual([])
})

test('every link from a page to a file leads to one', () => {
  const links = [...pages].flatMap(([page, text]) => linksOf(text).map((target) => ({ page, target })))
  expect(links.length).toBeGreaterThan(50)
  const dead = links.filter(
    ({ page, target }) => !existsSync(join(repositoryRoot, posix.dirname(page), target)),
  )
  expect(dead).toEqual([])
})

test('every page that a source cites is there', () => {
  const decisions = readdirSync(join(repositoryRoot, 'docs/decisions'))
  const cited = [...sources.values()].flatMap(
    (source) => source.match(/\bdocs\/(?:decisions\/\d{4}|[A-Z-]+\.md)/g) ?? [],
  )
  expect(cited.length).toBeGreaterThan(4)
  const missing = cited.filter((path) => {
    const number = path.split('docs/decisions/')[1]
    if (number === undefined) return !existsSync(join(repositoryRoot, path))
    return decisions.filter((name) => name.startsWith(`${number}-`)).length !== 1
  })
  expect(missing).toEqual([])
})

test('links are told from code and from addresses', () => {
  const text = 'a [b](c.md#d), [e](https://example.org), [f](#g)\n```\n[h](i.md)\n```\n`[j](k.md)` [l](m/)'
  expect(linksOf(text)).toEqual(['c.md', 'm/'])
})

/** Targets of the links to files, without their anchors. */
function linksOf(text: string): string[] {
  const prose = text.replace(/^```.*?^```/gms, '').replace(/`[^`\n]*`/g, '')
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!.split('#')[0]!)
  return targets.filter((target) => target !== '' && !/^[a-z]+:/.test(target))
}
