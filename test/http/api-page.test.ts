import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { answers } from '../../http/openapi-answers.ts'
import { summaries } from '../../http/openapi-summaries.ts'
import { repositoryRoot } from '../architecture/source-files.ts'
import { startApi } from './api.ts'
import { examples } from './api-examples.ts'
import { apiPage } from './api-page.ts'

const file = join(repositoryRoot, 'docs/API.md')
/** What stands before is written by hand. */
const marker = '<!-- From here on `npm run docs` writes this page. -->\n'

test('docs/API.md is what is made of the document of a running server (npm run docs makes it)', async () => {
  const { body } = await (await startApi()).get('/openapi.json')
  const [head] = readFileSync(file, 'utf8').split(marker)
  await expect(`${head}${marker}\n${apiPage(body, examples)}`).toMatchFileSnapshot(file)
})

test('every operation of the document says what it does, and nothing else is said', async () => {
  const { body } = await (await startApi()).get('/openapi.json')
  const operations = Object.entries<object>(body.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect(operations.length).toBeGreaterThan(Object.keys(answers).length)
  expect(Object.keys(summaries).sort()).toEqual(operations.sort())
})

test('every example is answered with success, and each resource has one', async () => {
  const api = await startApi()
  for (const { method, path, headers, body } of examples) {
    const { status, text } = await api.call(method, `/api/v1${path}`, body, { headers: { ...headers } })
    expect(status, `${method} ${path}: ${text}`).toBeLessThan(300)
  }
  const document = (await api.get('/openapi.json')).body
  const without = apiPage(document, examples)
    .split(/^## /m)
    .filter((section) => section !== '' && !section.includes('curl '))
  expect(without.map((section) => section.split('\n')[0])).toEqual([])
})
