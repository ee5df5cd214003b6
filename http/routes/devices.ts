import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { z } from 'zod'
import type { DeviceRecord } from '../../domain/device.ts'
import { isDeviceId, isDeviceType, isLabelName, labelValueBytesMax } from '../../domain/names.ts'
import type { HttpDeps } from '../http-deps.ts'
import type { Api } from '../http-server.ts'
import { decodeCursor, page, pageQuery } from '../paging.ts'
import { sendProblem } from '../problem.ts'

const labels = z.record(
  z.string().refine(isLabelName, 'not a label name'),
  z
    .string()
    .refine(
      (text) => Buffer.byteLength(text) <= labelValueBytesMax,
      `longer than ${labelValueBytesMax} bytes`,
    ),
)
const id = z.string().refine(isDeviceId, 'expected ^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$')
const type = z.string().refine(isDeviceType, 'expected a lower-case name such as smart_meter')
const deviceInput = z.strictObject({ id, type, labels: labels.default({}) })
const params = z.object({ id: z.string() })

const importLineBytesMax = 64 * 1024

/** Devices and their credentials. */
export function deviceRoutes(app: Api, deps: HttpDeps): void {
  const { devices, connections } = deps
  const shown = ({ secretHash: _, ...device }: DeviceRecord) => {
    const seenAt = connections.lastSeenAt(device.id)
    return {
      ...device,
      online: connections.isOnline(device.id),
      lastSeenAt: seenAt === undefined ? null : new Date(seenAt).toISOString(),
    }
  }
  const withSecret = ({ device, secret }: { device: DeviceRecord; secret: string }) => ({
    device: shown(device),
    credentials: { username: device.id, password: secret },
  })
  const missing = (reply: Parameters<typeof sendProblem>[0], deviceId: string) =>
    sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', `there is no device ${deviceId}`)

  app.post(
    '/api/v1/devices',
    { config: { role: 'admin' }, schema: { body: deviceInput } },
    async (request, reply) => {
      const created = await devices.create(request.body)
      if (created === undefined)
        return sendProblem(reply, 409, 'TIDEMARK_EXISTS', `device ${request.body.id} exists`)
      return reply
        .code(201)
        .header('location', `/api/v1/devices/${created.device.id}`)
        .send(withSecret(created))
    },
  )

  app.post(
    '/api/v1/devices::import',
    { config: { role: 'admin' }, bodyLimit: 16 * 1024 * 1024 },
    async (request, reply) => {
      const body = request.body
      const input = body instanceof Readable ? body : Readable.from([JSON.stringify(body ?? '')])
      return reply.type('application/x-ndjson').send(Readable.from(importLines(deps, input)))
    },
  )

  const listQuery = z
    .object({ ...pageQuery, type: z.string().optional(), online: z.enum(['true', 'false']).optional() })
    .catchall(z.string())
  app.get(
    '/api/v1/devices',
    { config: { role: 'read' }, schema: { querystring: listQuery } },
    async (request) => {
      const { limit, cursor, type: wantedType, online, ...rest } = request.query
      const wanted = Object.entries(rest).filter(([name]) => name.startsWith('label.'))
      const found = devices.list({
        type: wantedType,
        labels: Object.fromEntries(wanted.map(([name, value]) => [name.slice('label.'.length), value])),
        where: (device) => online === undefined || connections.isOnline(device.id) === (online === 'true'),
        after: decodeCursor(cursor),
        limit: limit + 1,
      })
      return page(found.map(shown), limit, (device) => device.id)
    },
  )

  app.get('/api/v1/devices/:id', { config: { role: 'read' }, schema: { params } }, async (request, reply) => {
    const device = devices.find(request.params.id)
    return device === undefined ? missing(reply, request.params.id) : shown(device)
  })

  const patch = z.strictObject({ type: type.optional(), labels: labels.optional() })
  app.patch(
    '/api/v1/devices/:id',
    { config: { role: 'admin' }, schema: { params, body: patch } },
    async (request, reply) => {
      const device = await devices.update(request.params.id, request.body)
      return device === undefined ? missing(reply, request.params.id) : shown(device)
    },
  )

  const purgeQuery = z.object({ purge: z.literal('data').optional() })
  app.delete(
    '/api/v1/devices/:id',
    { config: { role: 'admin' }, schema: { params, querystring: purgeQuery } },
    async (request, reply) => {
      const device = devices.find(request.params.id)
      if (device === undefined || !(await devices.remove(device.id))) return missing(reply, request.params.id)
      if (request.query.purge === 'data') await deps.store.purge({ device: device.id, type: device.type })
      return reply.code(204).send()
    },
  )

  app.post(
    '/api/v1/devices/:id/credentials',
    { config: { role: 'admin' }, schema: { params } },
    async (request, reply) => {
      const rotated = await devices.rotateSecret(request.params.id)
      return rotated === undefined ? missing(reply, request.params.id) : withSecret(rotated)
    },
  )

  app.get(
    '/api/v1/devices/:id/latest',
    { config: { role: 'read' }, schema: { params } },
    async (request, reply) => {
      const device = devices.find(request.params.id)
      if (device === undefined) return missing(reply, request.params.id)
      const latest = await deps.store.latest({ device: device.id, type: device.type })
      const units = deps.profiles.find(device.type)?.metrics ?? {}
      const values = Object.entries(latest).map(([metric, { value, time }]) => {
        const unit = Object.hasOwn(units, metric) ? units[metric]?.unit : undefined
        return [metric, { value, time: new Date(time).toISOString(), unit: unit ?? null }] as const
      })
      return { device: device.id, values: Object.fromEntries(values) }
    },
  )
}

/** One line of result for each line of input, as they come: the whole import is never in memory. */
async function* importLines(deps: HttpDeps, input: Readable): AsyncGenerator<string> {
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() === '') continue
    yield `${JSON.stringify(await importLine(deps, line))}\n`
  }
}

async function importLine({ devices }: HttpDeps, line: string) {
  if (line.length > importLineBytesMax) return { id: null, status: 'failed', error: 'the line is too long' }
  let input: unknown
  try {
    input = JSON.parse(line)
  } catch {
    return { id: null, status: 'failed', error: 'the line is not JSON' }
  }
  const parsed = deviceInput.safeParse(input)
  if (!parsed.success) {
    const given = (input as { id?: unknown } | null)?.id
    const [issue] = parsed.error.issues
    return {
      id: typeof given === 'string' ? given : null,
      status: 'failed',
      error: `${issue?.path.join('.')}: ${issue?.message}`,
    }
  }
  const created = await devices.create(parsed.data)
  if (created !== undefined) {
    const credentials = { username: parsed.data.id, password: created.secret }
    return { id: parsed.data.id, status: 'created', credentials }
  }
  await devices.update(parsed.data.id, parsed.data)
  return { id: parsed.data.id, status: 'updated' }
}
