import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repositoryRoot } from '../../architecture/source-files.ts'
import { startApi } from '../api.ts'

const documented = readFileSync(join(repositoryRoot, 'docs/ERRORS.md'), 'utf8')

test('the type of a problem leads to the page of its code, with cause and advice, without a token', async () => {
  const api = await startApi()
  const problem = await api.get('devices/nothing')
  const { pathname } = new URL(problem.body.type, 'http://localhost:8080/api/v1/devices/nothing')
  const page = await api.call('GET', pathname, undefined, { token: undefined })
  expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
  expect(page.headers['content-security-policy']).toContain("default-src 'none'")
  expect(page.text).toContain('TIDEMARK_NOT_FOUND')
  expect(page.text).toContain('404: no such path, device')
  expect(page.text).toContain('Check the id, and that')
})

test('every code of docs/ERRORS.md has a page', async () => {
  const api = await startApi()
  const codes = [...documented.matchAll(/^\| `(TIDEMARK_\w+)`/gm)].map(([, code]) => code!)
  expect(codes.length).toBeGreaterThan(50)
  for (const code of codes) {
    const page = await api.call('GET', `/problems/${code}`)
    expect([page.status, page.text.includes(`<title>${code}</title>`)], code).toEqual([200, true])
  }
})

test.each(['NOTHING', 'constructor', 'TIDEMARK_', '%3Cscript%3E'])('there is no page of %s', async (code) => {
  const api = await startApi()
  const answer = await api.call('GET', `/problems/${code}`)
  expect(answer).toMatchObject({ status: 404, body: { type: '/problems/TIDEMARK_NOT_FOUND' } })
})
