import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { liveMetrics } from './live-metrics.ts'
import { repositoryRoot } from './source-files.ts'

const page = readFileSync(join(repositoryRoot, 'docs/OPERATIONS.md'), 'utf8')

test('every metric of a running server has one row in docs/OPERATIONS.md, with its labels, and no row is without its metric', async () => {
  const { families } = await liveMetrics()
  const offered = [...families].map(([name, labels]) =>
    labels.size === 0 ? name : `${name}{${[...labels].join()}}`,
  )
  const [, section = ''] = page.split('### Every metric\n')
  const rows = [...section.matchAll(/^\| `((?:tidemark|process)_[^`]+)` *\|/gm)].map(([, name]) => name!)
  expect(offered.length).toBeGreaterThan(20)
  expect(rows.sort()).toEqual(offered.sort())
})
