import { z } from 'zod'
import type { DeviceRecord } from '../../domain/device.ts'
import { isDeviceId, isDeviceType, isLabelName, labelValueBytesMax } from '../../domain/names.ts'
import type { Api } from '../api.ts'
import { purgeDevice } from '../device-purge.ts'
import type { HttpDeps } from '../http-deps.ts'
import { page, pageQuery } from '../paging.ts'
import { sendProblem } from '../problem.ts'
import { withinTime } from '../store-answer.ts'

const labels = z
  .record(
    z.string().refine(isLabelName, 'not a label name'),
    z
      .string()
      .refine(
        (text) => Buffer.byteLength(text) <= labelValueBytesMax,
        `longer than ${labelValueBytesMax} bytes`,
      ),
  )
  .describe(`texts of up to ${labelValueBytesMax} bytes`)
const id = z
  .string()
  .refine(isDeviceId, 'expected ^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$')
  .describe('1 to 64 of `A-Z a-z 0-9 _ . : -`, the first a letter or digit')
const type = z
  .string()
  .refine(isDeviceType, 'expected a lower-case name such as smart_meter')
  .describe('that of a profile, such as `smart_meter`')
/** A device as it is registered, alone or in an import; one that is known keeps its labels where none are given. */
export const deviceInput = z.strictObject({ id, type, labels: labels.optional() })
const params = z.object({ id: z.string() })
const known: ReadonlySet<string> = new Set(['limit', 'cursor', 'type', 'online'])

const labelFilter = 'label.'

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
    { config: { role: 'admin', audit: ['device.created'] }, schema: { body: deviceInput } },
    async (request, reply) => {
      const created = await devices.create(request.body, request.act)
      if (created === undefined)
        return sendProblem(reply, 409, 'TIDEMARK_EXISTS', `device ${request.body.id} exists`)
      return reply
        .code(201)
        .header('location', `/api/v1/devices/${created.device.id}`)
        .send(withSecret(created))
    },
  )

  const listQuery = z
    .object({
      ...pageQuery,
      type: z.string().optional(),
      online: z.enum(['true', 'false']).optional().describe('connected over MQTT, or not'),
    })
    .catchall(z.string())
    .superRefine((query, context) => {
      const unknown = Object.keys(query).filter((name) => !known.has(name) && !name.startsWith(labelFilter))
      for (const name of unknown) context.addIssue({ code: 'custom', path: [name], message: 'unknown field' })
    })
  app.get(
    '/api/v1/devices',
    { config: { role: 'read' }, schema: { querystring: listQuery } },
    async (request) => {
      const { limit, cursor, type: wantedType, online, ...rest } = request.query
      const found = devices.list({
        type: wantedType,
        labels: Object.fromEntries(
          Object.entries(rest).map(([name, value]) => [name.slice(labelFilter.length), value]),
        ),
        where: (device) => online === undefined || connections.isOnline(device.id) === (online === 'true'),
        after: cursor,
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
    { config: { role: 'admin', audit: ['device.updated'] }, schema: { params, body: patch } },
    async (request, reply) => {
      const device = await devices.update(request.params.id, request.body, request.act)
      return device === undefined ? missing(reply, request.params.id) : shown(device)
    },
  )

  const purgeQuery = z.strictObject({
    purge: z
      .literal('data')
      .optional()
      .describe('also deletes what it has said: readings, events, dead letters'),
  })
  app.delete(
    '/api/v1/devices/:id',
    {
      config: { role: 'admin', audit: ['device.deleted', 'device.purge_begun'] },
      schema: { params, querystring: purgeQuery },
    },
    async (request, reply) => {
      const device = devices.find(request.params.id)
      if (device === undefined) return missing(reply, request.params.id)
      const isPurge = request.query.purge === 'data'
      const isRemoved = isPurge
        ? await purgeDevice(deps, device, request.act)
        : await devices.remove(device.id, request.act)
      if (!isRemoved) return missing(reply, request.params.id)
      return reply.code(204).send()
    },
  )

  app.post(
    '/api/v1/devices/:id/credentials',
    { config: { role: 'admin', audit: ['device.secret_rotated'] }, schema: { params } },
    async (request, reply) => {
      const rotated = await devices.rotateSecret(request.params.id, request.act)
      return rotated === undefined ? missing(reply, request.params.id) : withSecret(rotated)
    },
  )

  app.get(
    '/api/v1/devices/:id/latest',
    { config: { role: 'read' }, schema: { params } },
    async (request, reply) => {
      const device = devices.find(request.params.id)
      if (device === undefined) return missing(reply, request.params.id)
      const latest = await withinTime(deps.store.latest({ device: device.id, type: device.type }))
      const units = deps.profiles.find(device.type)?.metrics ?? {}
      const values = Object.entries(latest).map(([metric, { value, time }]) => {
        const unit = Object.hasOwn(units, metric) ? units[metric]?.unit : undefined
        return [metric, { value, time: new Date(time).toISOString(), unit: unit ?? null }] as const
      })
      return { device: device.id, values: Object.fromEntries(values) }
    },
  )
}
