import { Readable } from 'node:stream'
import { TidemarkError } from '../../lib/errors.ts'
import type { Act } from '../../log/act.ts'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { lineGroups } from '../ndjson.ts'
import { deviceInput } from './devices.ts'

const importLineBytesMax = 64 * 1024
/** Lines that are registered together, to share a commit. */
const importGroupMax = 100

/** Devices by the line (NDJSON), of any number; each line has its own result, whatever becomes of the others. */
export function deviceImportRoute(app: Api, deps: HttpDeps): void {
  app.addContentTypeParser('application/x-ndjson', (_request, payload, done) => done(null, payload))

  app.post(
    '/api/v1/devices::import',
    { config: { role: 'admin', audit: ['device.created', 'device.updated'], isStreamed: true } },
    async (request, reply) => {
      const { body, act } = request
      // One device as JSON has been read already.
      const lines = body instanceof Readable ? importLines(deps, act, body) : importOne(deps, act, body)
      return reply.type('application/x-ndjson').send(Readable.from(lines))
    },
  )
}

/** One line of result for each line of input, as they come: the whole import is never in memory. */
async function* importLines(deps: HttpDeps, act: Act, input: Readable): AsyncGenerator<string> {
  for await (const lines of lineGroups(input, importLineBytesMax)) {
    for (let at = 0; at < lines.length; at += importGroupMax) {
      const group = lines.slice(at, at + importGroupMax)
      const results = await Promise.all(group.map((line) => importLine(deps, act, line)))
      yield results.map((result) => `${JSON.stringify(result)}\n`).join('')
    }
  }
}

async function* importOne(deps: HttpDeps, act: Act, input: unknown): AsyncGenerator<string> {
  yield `${JSON.stringify(await importDevice(deps, act, input))}\n`
}

async function importLine(deps: HttpDeps, act: Act, line: string | undefined) {
  if (line === undefined) return { id: null, status: 'failed', error: 'the line is too long' }
  let input: unknown
  try {
    input = JSON.parse(line)
  } catch {
    return { id: null, status: 'failed', error: 'the line is not JSON' }
  }
  return importDevice(deps, act, input)
}

async function importDevice({ devices }: HttpDeps, act: Act, input: unknown) {
  const parsed = deviceInput.safeParse(input)
  if (!parsed.success) {
    const given = (input as { id?: unknown } | null)?.id
    const [issue] = parsed.error.issues
    return {
      id: typeof given === 'string' ? given : null,
      status: 'failed',
      error: [...(issue?.path ?? []), issue?.message].join(': '),
    }
  }
  const device = parsed.data
  try {
    const created = await devices.create(device, act)
    if (created === undefined) await devices.update(device.id, device, act)
    if (created === undefined) return { id: device.id, status: 'updated' }
    return {
      id: device.id,
      status: 'created',
      credentials: { username: device.id, password: created.secret },
    }
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error
    return { id: device.id, status: 'failed', error: `${error.code}: ${error.message}` }
  }
}
