import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { envName, flagName, type Option, options } from '../../config.ts'
import { repositoryRoot } from './source-files.ts'

const page = readFileSync(join(repositoryRoot, 'docs/OPERATIONS.md'), 'utf8')

test('the table of docs/OPERATIONS.md is that of config.ts', () => {
  const rows = [...page.matchAll(/^\| `--.*\|$/gm)].map(([row]) =>
    row
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, 5),
  )
  expect(rows).toEqual((options as readonly Option[]).map(rowOf))
})

function rowOf({ key, kind, fallback, isSecret, description }: Option): string[] {
  const values = typeof kind === 'object' ? ` (${kind.join(', ')})` : ''
  return [
    `\`${flagName(key)}\``,
    `\`${envName(key)}\`${isSecret === true ? ' or `…_FILE`' : ''}`,
    fallback === undefined ? '' : `\`${fallback}\``,
    `${description}${values}`,
  ]
}
