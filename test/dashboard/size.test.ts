import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { repositoryRoot } from '../support/platform-process.ts'

const scriptBytesMax = 150_000
const assets = join(repositoryRoot, 'dist/dashboard/assets')

/** What the build made, by the end of its name: bytes as they are sent. */
function sentBytes(extension: string): number {
  return readdirSync(assets)
    .filter((name) => name.endsWith(extension))
    .reduce((sum, name) => sum + gzipSync(readFileSync(join(assets, name)), { level: 9 }).length, 0)
}

test('the scripts of the dashboard are at most 150 kB as they are sent', () => {
  expect(sentBytes('.js')).toBeGreaterThan(10_000)
  expect(sentBytes('.js')).toBeLessThanOrEqual(scriptBytesMax)
})

test('the page names files of its own only, and nothing runs or looks inline', () => {
  const page = readFileSync(join(assets, '../index.html'), 'utf8')
  expect(page).not.toMatch(/<script(?![^>]*\bsrc=)/)
  expect(page).not.toMatch(/<style|style="|\son\w+="/)
  expect(page.match(/(?:src|href)="(?!\.\/assets\/|data:)[^"]*"/g) ?? []).toEqual([])
})
