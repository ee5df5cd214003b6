import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { anonymousMemoryBytes } from '../../lib/anonymous-memory.ts'
import { repositoryRoot } from '../support/platform-process.ts'
import { tempDir } from '../support/temp-dir.ts'

const status = (text: string) => {
  const file = join(tempDir(), 'status')
  writeFileSync(file, text)
  return file
}

/** In a process of its own: what a test before has left behind may be given back at any time. */
const measuring = `
  const { anonymousMemoryBytes } = await import('${join(repositoryRoot, 'dist/lib/anonymous-memory.js')}')
  const before = anonymousMemoryBytes()
  const held = Buffer.alloc(64 * 2 ** 20, 1)
  const after = anonymousMemoryBytes()
  console.log(JSON.stringify({ before, after, resident: process.memoryUsage.rss(), held: held[1] }))`

test.runIf(process.platform === 'linux')(
  'is part of what is resident, and grows with what is allocated',
  () => {
    const told = execFileSync(process.execPath, ['--input-type=module', '-e', measuring], {
      encoding: 'utf8',
    })
    const { before, after, resident } = JSON.parse(told) as Record<string, number>
    expect(after! - before!).toBeGreaterThan(48 * 2 ** 20)
    expect(after).toBeLessThan(resident!)
  },
)

test('is the figure of the line RssAnon', () => {
  expect(anonymousMemoryBytes(status('VmRSS:\t  900 kB\nRssAnon:\t  345 kB\nRssFile:\t  555 kB\n'))).toBe(
    345 * 1024,
  )
})

test('is not known where the system does not tell', () => {
  expect(anonymousMemoryBytes(status('VmRSS:\t  900 kB\n'))).toBeUndefined()
  expect(anonymousMemoryBytes(join(tempDir(), 'none'))).toBeUndefined()
})
