import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Validator } from '@seriousme/openapi-schema-validator'
import openapiTS from 'openapi-typescript'
import { expect, test } from 'vitest'
import { answers } from '../../http/openapi-answers.ts'
import { repositoryRoot } from '../architecture/source-files.ts'
import { tempDir } from '../support/temp-dir.ts'
import { rule, startApi } from './api.ts'
import { undescribed } from './described-answer.ts'
import { filledPath, operationOf } from './openapi-document.ts'

const problemsIn = async (document: object) => {
  const { valid, errors } = await new Validator().validate(
    structuredClone(document) as Record<string, unknown>,
  )
  return valid ? [] : errors
}

test('the document is valid OpenAPI 3.1, and the validator would say so if it were not', async () => {
  const document = (await (await startApi()).get('/openapi.json')).body
  expect(await problemsIn(document)).toEqual([])
  const { '/api/v1/devices': devices, ...paths } = document.paths
  const broken = {
    ...document,
    paths: { ...paths, '/api/v1/devices': { ...devices, get: { responses: 5 } } },
  }
  expect(await problemsIn(broken)).not.toEqual([])
})

test('every answer that is described is that of a route, and every reference leads to a schema', async () => {
  const api = await startApi()
  const operations = api.http.routes.map(
    ({ method, url }) => `${method} ${filledPath(url, (name) => `{${name}}`)}`,
  )
  expect(Object.keys(answers).filter((operation) => !operations.includes(operation))).toEqual([])
  const { text, body } = await api.get('/openapi.json')
  const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name!)
  expect(references.length).toBeGreaterThan(100)
  expect(references.filter((name) => body.components.schemas[name] === undefined)).toEqual([])
  expect(body.paths['/api/v1/devices'].post.responses).toMatchObject({
    201: {
      content: { 'application/json': { schema: { $ref: '#/components/schemas/DeviceWithCredentials' } } },
    },
    default: {
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  })
})

test('headers that routes read are described: a key on each creation, an ETag where a rule is changed', async () => {
  const api = await startApi()
  const { body } = await api.get('/openapi.json')
  const asking = (header: string) =>
    api.http.routes
      .filter((route) =>
        operationOf(body, route)?.parameters?.some((one) => one.in === 'header' && one.name === header),
      )
      .map(({ method, url }) => `${method} ${url}`)
  const creations = api.http.routes.filter(
    ({ method, url, role }) => method === 'POST' && role !== undefined && !url.includes('::'),
  )
  expect(asking('Idempotency-Key')).toEqual(creations.map(({ method, url }) => `${method} ${url}`))
  await api.post('rules', rule)
  const refused: string[] = []
  for (const method of ['PUT', 'PATCH', 'DELETE']) {
    const { status } = await api.call(method, `rules/${rule.id}`, method === 'DELETE' ? undefined : {})
    if (status === 428) refused.push(`${method} /api/v1/rules/:id`)
  }
  expect(asking('If-Match')).toEqual(refused)
})

test('an answer with another status, a field too many or one too few is told from one that is described', () => {
  const device = { id: 'd', type: 'fridge', labels: {}, createdAt: '', online: true, lastSeenAt: null }
  const tell = (status: number, body: unknown) => undescribed('GET', '/api/v1/devices/d?x', { status, body })
  expect(tell(200, device)).toBeUndefined()
  expect(tell(201, device)).toContain('201 in place of 200')
  expect(tell(200, { ...device, secretHash: 'x' })).toContain('secretHash')
  expect(tell(200, { ...device, online: undefined })).toContain('online')
  expect(tell(404, { code: 'TIDEMARK_NOT_FOUND' })).toContain('detail')
})

const made = './made.js'
const client = (field: string) => `
import type { paths } from '${made}'

type ListDevices = paths['/api/v1/devices']['get']
type Page = ListDevices['responses'][200]['content']['application/json']

export async function listDevices(url: string, token: string): Promise<string[]> {
  const ids: string[] = []
  const query: NonNullable<ListDevices['parameters']['query']> = { limit: 2 }
  for (;;) {
    const parameters = Object.entries(query).map(([name, value]) => [name, String(value)])
    const answer = await fetch(url + '/api/v1/devices?' + new URLSearchParams(parameters), {
      headers: { authorization: 'Bearer ' + token },
    })
    const page = (await answer.json()) as Page
    ids.push(...page.items.map((device) => device.${field}))
    if (page.nextCursor === null) return ids
    query.cursor = page.nextCursor
  }
}
`

test('a client made from the document compiles, and lists the devices of a running server', async () => {
  const api = await startApi()
  for (const id of ['a', 'b', 'c']) await api.devices.create({ id, type: 'generic' })
  const { port } = await api.http.listen('127.0.0.1', 0)
  const url = `http://127.0.0.1:${port}`
  const document = await (await fetch(`${url}/openapi.json`)).json()

  const folder = tempDir()
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'made.d.ts'), await openapiTS(document as never))
  writeFileSync(join(folder, 'client.ts'), client('id'))
  expect(compiled(folder, 'client.ts')).toBe('')
  const { listDevices } = await import(pathToFileURL(join(folder, 'client.js')).href)
  expect(await listDevices(url, api.adminToken)).toEqual(['a', 'b', 'c'])

  // Were the types empty, anything would compile.
  writeFileSync(join(folder, 'wrong.ts'), client('serial'))
  expect(compiled(folder, 'wrong.ts')).toContain("Property 'serial' does not exist")
})

/** What the compiler says; nothing where all is well. */
function compiled(folder: string, file: string): string {
  const options = [
    '--strict',
    '--target',
    'es2023',
    '--lib',
    'es2024,dom',
    '--module',
    'nodenext',
    '--types',
    '',
  ]
  try {
    return execFileSync(
      process.execPath,
      [join(repositoryRoot, 'node_modules/typescript/bin/tsc'), ...options, file],
      {
        cwd: folder,
        encoding: 'utf8',
      },
    )
  } catch (error) {
    return (error as { stdout: string }).stdout
  }
}
