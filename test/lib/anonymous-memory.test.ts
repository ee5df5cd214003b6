import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { anonymousMemoryBytes } from '../../lib/anonymous-memory.ts'
import { tempDir } from '../support/temp-dir.ts'

const status = (text: string) => {
  const file = join(tempDir(), 'status')
  writeFileSync(file, text)
  return file
}

test.runIf(process.platform === 'linux')(
  'is part of what is resident, and grows with what is allocated',
  () => {
    const before = anonymousMemoryBytes()!
    const held = Buffer.alloc(64 * 2 ** 20, 1)
    const grown = anonymousMemoryBytes()! - before
    expect(held[1]).toBe(1)
    expect(grown).toBeGreaterThan(48 * 2 ** 20)
    expect(anonymousMemoryBytes()).toBeLessThan(process.memoryUsage.rss())
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
