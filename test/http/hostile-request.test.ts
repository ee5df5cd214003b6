import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Route } from '../../http/http-server.ts'
import { readErrorLines } from '../../http/problem-page.ts'
import { alarmId } from '../../rules/alarm-events.ts'
import { alarmEvent, rule as alarmRule, writeEvents } from '../rules/alarm-fixture.ts'
import { tellFigures } from '../support/figures.ts'
import { newSeed } from '../support/promises.ts'
import { appendLetters, letterOf, rule, startApi, startMs, type TestApi } from './api.ts'
import { type HostileRequest, hostileRequest } from './hostile-request.ts'
import { operationOf } from './openapi-document.ts'

const requestsMax = Number(process.env.TIDEMARK_FUZZ_REQUESTS ?? 10_000)
const seed = newSeed()
/** Far beyond what any answer may take: what has not come by then never does. */
const answerMsMax = 20_000

const documented = readErrorLines()
/** What may be away: the log, the database, a place among the streams or the tests of rules. */
const unavailable = /^TIDEMARK_(LOG|STORE|STREAM|RULE_TEST)_/

const profile = {
  type: 'mine',
  strict: true,
  tags: ['site'],
  metrics: { temperature_c: { kind: 'gauge', min: 0 } },
}
const { id: _, ...ruleAlone } = rule
const samples = [0, 1, 2].map((n) => ({
  device: 'fridge-1',
  type: 'fridge',
  ts: startMs + n * 600_000,
  values: { temperature_c: 9 },
}))
/** What is sent where the schema of the route leaves the body open. */
const bodies: Readonly<Record<string, readonly unknown[]>> = {
  'POST /api/v1/rules': [rule],
  'PUT /api/v1/rules/:id': [ruleAlone, rule],
  'PATCH /api/v1/rules/:id': [{ severity: 'minor' }, { when: { above: 9 }, for: null }],
  'POST /api/v1/rules::validate': [rule, { rule }, { rules: [rule] }],
  'POST /api/v1/rules::apply': [{ rules: [rule, { ...rule, id: 'second' }] }],
  'POST /api/v1/rules::test': [
    { rule, samples },
    { rule, from: '2026-11-23', to: '2026-11-24', devices: ['fridge-1'] },
  ],
  'PUT /api/v1/profiles/:type': [profile],
  'POST /api/v1/import': [
    { profiles: [profile], devices: [{ id: 'import-2', type: 'mine' }], rules: [rule] },
  ],
  'POST /api/v1/devices::import': [{ id: 'import-1', type: 'generic' }],
}
const known = [
  ...['fridge-1', 'meter-1', 'fridge', 'mine', 'fridge-too-warm', 'cold-chain', 'data', 'TIDEMARK_INVALID'],
  ...[alarmId(alarmRule.id, 'fridge-1'), '0', 'temperature_c'],
]

test(`no request of ${requestsMax} that are wrong in every way is answered with an error of ours, or not at all`, async () => {
  tellFigures({ seed, requests: requestsMax })
  const api = await startApi()
  const { port } = await api.http.listen('127.0.0.1', 0)
  const document = (await api.get('/openapi.json')).body
  const numRuns = Math.ceil(requestsMax / api.http.routes.length)
  const statuses = new Set<number>()
  for (const route of api.http.routes) {
    await provide(api)
    const request = hostileRequest(route, {
      operation: operationOf(document, route),
      bodies: bodies[`${route.method} ${route.url}`] ?? [],
      known,
      token: api.adminToken,
    })
    const property = fc.asyncProperty(request, async (given) => {
      const answer = await withinBound(isStream(route) ? streamed(port, given) : injected(api, given))
      statuses.add(answer.status)
      expect(complaint(given, answer)).toBeUndefined()
    })
    // Without shrinking: a request that is not answered would be waited for again and again.
    await fc.assert(property, { seed, numRuns, endOnFailure: true })
  }
  // Of each kind there were some: a generator that no route takes anything of would find nothing.
  for (const status of [200, 201, 204, 400, 404, 415, 422, 428]) {
    expect(statuses.has(status), `answers with ${status}`).toBe(true)
  }
}, 180_000)

interface Seen {
  readonly status: number
  readonly type: string
  readonly requestId: string | undefined
  readonly text: string
}

/** What an answer breaks of the promises that hold for all of them. */
function complaint({ method }: HostileRequest, { status, type, requestId, text }: Seen): string | undefined {
  if (requestId === undefined) return 'no x-request-id'
  if (status < 400 || method === 'HEAD') return status >= 500 && status !== 503 ? `${status}` : undefined
  if (type !== 'application/problem+json; charset=utf-8') return `${status} of type ${type}`
  const problem = JSON.parse(text)
  if (!documented.has(problem.code)) return `${status} with the code ${problem.code}`
  if (problem.type !== `/problems/${problem.code}` || problem.status !== status) return text
  if (problem.requestId !== requestId) return 'another requestId than in the header'
  return status >= 500 && !(status === 503 && unavailable.test(problem.code)) ? text : undefined
}

async function injected(api: TestApi, { method, ...request }: HostileRequest): Promise<Seen> {
  const answer = await api.http.inject({ ...request, method: method as 'GET' })
  const { 'content-type': type, 'x-request-id': requestId } = answer.headers
  return {
    status: answer.statusCode,
    type: String(type),
    requestId: requestId as string | undefined,
    text: answer.body,
  }
}

/** An event stream does not end by itself, and takes a socket. */
async function streamed(port: number, { method, url, headers }: HostileRequest): Promise<Seen> {
  const leaving = new AbortController()
  const { 'transfer-encoding': __, ...sent } = headers
  const answer = await fetch(`http://127.0.0.1:${port}${url}`, {
    method,
    headers: sent,
    signal: leaving.signal,
  })
  const text = answer.status === 200 ? '' : await answer.text()
  const { status } = answer
  const [type, requestId] = ['content-type', 'x-request-id'].map(
    (name) => answer.headers.get(name) ?? undefined,
  )
  leaving.abort()
  return { status, type: String(type), requestId, text }
}

async function withinBound<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const never = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), answerMsMax)
  })
  return Promise.race([answer, never]).finally(() => clearTimeout(timer))
}

function isStream({ url }: Route): boolean {
  return /[/:]stream$/.test(url)
}

/** What requests name, where one before has not left it. */
async function provide({ devices, profiles, log, post }: TestApi): Promise<void> {
  await devices.create({ id: 'fridge-1', type: 'fridge', labels: { site: 'berlin' } })
  await devices.create({ id: 'meter-1', type: 'smart_meter' })
  await profiles.put({ type: 'mine', strict: true, tags: [], metrics: { temperature_c: { kind: 'gauge' } } })
  await post('rules', rule)
  if (log.end('events') === 0) {
    await writeEvents(log, [alarmEvent('raised')])
    await appendLetters(log, [letterOf(1), letterOf(2)])
  }
}
