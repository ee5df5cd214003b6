import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { openMax, payloadBytesMax, payloadLevelsMax, ttlMsDefault, ttlMsMax } from '../../commands/limits.ts'
import { type CommandRecord, commandStatuses } from '../../domain/command.ts'
import { isDeeperThan } from '../../lib/nesting.ts'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { page, pageQuery } from '../paging.ts'
import { sendProblem } from '../problem.ts'
import { bodyTime } from '../time.ts'

const payload = z
  .unknown()
  .refine((value) => !isDeeperThan(value, payloadLevelsMax), `nested deeper than ${payloadLevelsMax} levels`)
  .refine(
    (value) =>
      isDeeperThan(value, payloadLevelsMax) ||
      Buffer.byteLength(JSON.stringify(value ?? null)) <= payloadBytesMax,
    `longer than ${payloadBytesMax} bytes`,
  )
const input = z
  .strictObject({
    name: z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, 'expected ^[A-Za-z][A-Za-z0-9_.-]{0,63}$'),
    payload: payload.optional(),
    expiresAt: bodyTime.optional(),
    ttlSeconds: z
      .number()
      .int()
      .min(1)
      .max(ttlMsMax / 1000)
      .optional(),
  })
  .refine(({ expiresAt, ttlSeconds }) => expiresAt === undefined || ttlSeconds === undefined, {
    message: 'expiresAt or ttlSeconds, not both',
    path: ['ttlSeconds'],
  })
const deviceParams = z.object({ id: z.string() })
const params = deviceParams.extend({ commandId: z.string() })
const listQuery = z.strictObject({ ...pageQuery, status: z.enum(commandStatuses).optional() })

/** Commands to devices; what is done with them stands in `commands/`. */
export function commandRoutes(app: Api, { commands, devices, clock }: HttpDeps): void {
  const missing = (reply: FastifyReply, { id, commandId }: { id: string; commandId?: string }) =>
    sendProblem(
      reply,
      404,
      'TIDEMARK_NOT_FOUND',
      commandId === undefined || devices.find(id) === undefined
        ? `there is no device ${id}`
        : `there is no command ${commandId} to ${id}`,
    )

  app.post(
    '/api/v1/devices/:id/commands',
    { config: { role: 'operate', audit: ['command.sent'] }, schema: { params: deviceParams, body: input } },
    async (request, reply) => {
      const { id: device } = request.params
      const { name, payload, ttlSeconds, ...given } = request.body
      const now = clock.now()
      const ttlMs = ttlSeconds === undefined ? ttlMsDefault : ttlSeconds * 1000
      const expiresAt = given.expiresAt ?? now + ttlMs
      if (expiresAt <= now || expiresAt > now + ttlMsMax) {
        const detail = `expected a time within the next ${ttlMsMax / 86_400_000} days`
        const errors = [{ pointer: '/expiresAt', detail }]
        return sendProblem(reply, 422, 'TIDEMARK_INVALID', 'the request does not match its schema', errors)
      }
      const createdBy = request.act.by
      const created = await commands.create(
        { device, name, payload: payload ?? null, createdBy, expiresAt },
        now,
        request.act,
      )
      if (created === 'no_device') return missing(reply, { id: device })
      if (created === 'full')
        return sendProblem(reply, 409, 'TIDEMARK_COMMAND_LIMIT', `${openMax} commands to ${device} are open`)
      const location = `/api/v1/devices/${device}/commands/${created.id}`
      return reply.code(201).header('location', location).send(shown(created))
    },
  )

  app.get(
    '/api/v1/devices/:id/commands',
    { config: { role: 'read' }, schema: { params: deviceParams, querystring: listQuery } },
    async (request, reply) => {
      const { id: device } = request.params
      const { limit, cursor, status } = request.query
      if (devices.find(device) === undefined) return missing(reply, { id: device })
      const found = commands
        .list(device)
        .filter((command) => status === undefined || command.status === status)
        .filter(({ id }) => cursor === undefined || id < cursor)
      return page(found.map(shown), limit, ({ id }) => id)
    },
  )

  app.get(
    '/api/v1/devices/:id/commands/:commandId',
    { config: { role: 'read' }, schema: { params } },
    async (request, reply) => {
      const command = commands.find(request.params.id, request.params.commandId)
      return command === undefined ? missing(reply, request.params) : shown(command)
    },
  )

  app.delete(
    '/api/v1/devices/:id/commands/:commandId',
    { config: { role: 'operate', audit: ['command.cancelled'] }, schema: { params } },
    async (request, reply) => {
      const { id, commandId } = request.params
      const command = await commands.cancel(id, commandId, clock.now(), request.act)
      if (command === undefined) return missing(reply, request.params)
      if (command.status === 'cancelled') return shown(command)
      const detail = `command ${commandId} has ${command.status}`
      return sendProblem(reply, 409, 'TIDEMARK_COMMAND_ENDED', detail)
    },
  )
}

function shown({ history, expiresAt, createdBy, response, ...command }: CommandRecord) {
  const changes = history.map(({ status, at }) => ({ status, at: iso(at) }))
  return {
    ...command,
    ...{ createdAt: changes[0]!.at, createdBy, expiresAt: iso(expiresAt), history: changes, response },
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
