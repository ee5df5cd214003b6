import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { deadLetterReasons } from '../../domain/dead-letter.ts'
import { folderOf, readSources, repositoryRoot } from './source-files.ts'

const page = readFileSync(join(repositoryRoot, 'docs/ERRORS.md'), 'utf8')

/**
 * Codes are whole string literals; variables of the environment are read from `env`, or named in a longer text. Their names
 * do not tell them apart: TIDEMARK_DATA_DIR and TIDEMARK_DEMO are both.
 */
const codeLiteral = /(?<!\benv\[)'(TIDEMARK_[A-Z0-9_]+)'/g

function codesIn(source: string): string[] {
  return [...source.matchAll(codeLiteral)].map(([, code]) => code!)
}

/** First cells of the page's tables. */
function linesFor(text: string, pattern: string): string[] {
  return [...text.matchAll(new RegExp(`^\\| \`(${pattern})\` *\\|`, 'gm'))].map(([, code]) => code!)
}

test('every code in the sources has exactly one line in docs/ERRORS.md, and no line is without its code', () => {
  const sources = [...readSources()].filter(([path]) => folderOf(path) !== 'test')
  const codes = new Set(sources.flatMap(([, source]) => codesIn(source)))
  expect(codes.size).toBeGreaterThan(50)
  expect(linesFor(page, 'TIDEMARK_[A-Z0-9_]+').sort()).toEqual([...codes].sort())
})

test('every reason of a dead letter has exactly one line there', () => {
  expect(linesFor(page, '[a-z]+\\.[a-z_]+').sort()).toEqual([...deadLetterReasons].sort())
})

test('a code is told from a variable of the environment', () => {
  const source = `new TidemarkError('TIDEMARK_DATA_DIR', 'x'); env['TIDEMARK_DATA_DIR']
    process.env.TIDEMARK_TOKEN; 'a token: TIDEMARK_TOKEN or a file'`
  expect(codesIn(source)).toEqual(['TIDEMARK_DATA_DIR'])
})
