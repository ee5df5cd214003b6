import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import {
  type MaintenanceWindow,
  MaintenanceWindows,
  maintenanceWindowChangeSchema,
  maintenanceWindowSchema,
  maintenanceWindowsMax,
  type WindowChanged,
} from '../../rules/maintenance-windows.ts'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { page, pageQuery } from '../paging.ts'
import { sendProblem } from '../problem.ts'

const params = z.object({ id: z.string() })

/** Maintenance windows: planned work is everyday business, so `operate` is enough. */
export function maintenanceWindowRoutes(app: Api, { log }: HttpDeps): void {
  const windows = new MaintenanceWindows(log)

  app.post(
    '/api/v1/maintenance-windows',
    {
      config: { role: 'operate', audit: ['maintenance_window.created'] },
      schema: { body: maintenanceWindowSchema },
    },
    async (request, reply) => {
      const created = await windows.create(request.body, request.act)
      if (created.outcome === 'exists')
        return sendProblem(reply, 409, 'TIDEMARK_EXISTS', `maintenance window ${request.body.id} exists`)
      if (created.outcome === 'full') {
        const detail = `there are ${maintenanceWindowsMax} maintenance windows`
        return sendProblem(reply, 409, 'TIDEMARK_MAINTENANCE_LIMIT', detail)
      }
      reply.code(201).header('location', `/api/v1/maintenance-windows/${created.window.id}`)
      return reply.send(shown(created.window))
    },
  )

  app.get(
    '/api/v1/maintenance-windows',
    { config: { role: 'read' }, schema: { querystring: z.strictObject(pageQuery) } },
    async ({ query: { limit, cursor } }) =>
      page(windows.list({ after: cursor, limit: limit + 1 }).map(shown), limit, ({ id }) => id),
  )

  app.get(
    '/api/v1/maintenance-windows/:id',
    { config: { role: 'read' }, schema: { params } },
    async (request, reply) => {
      const window = windows.get(request.params.id)
      return window === undefined ? missing(reply, request.params.id) : shown(window)
    },
  )

  app.put(
    '/api/v1/maintenance-windows/:id',
    {
      config: { role: 'operate', audit: ['maintenance_window.updated'] },
      schema: { params, body: maintenanceWindowSchema },
    },
    async (request, reply) => {
      const { id } = request.params
      const { id: given = id, ...window } = request.body
      if (given !== id) return invalid(reply, '/id', `expected ${id}, as in the path`)
      return send(reply, id, await windows.change(id, window, request.act))
    },
  )

  app.patch(
    '/api/v1/maintenance-windows/:id',
    {
      config: { role: 'operate', audit: ['maintenance_window.updated'] },
      schema: { params, body: maintenanceWindowChangeSchema },
    },
    async (request, reply) => {
      const { id } = request.params
      return send(
        reply,
        id,
        await windows.change(id, request.body, request.act),
        request.body.to === undefined,
      )
    },
  )

  app.delete(
    '/api/v1/maintenance-windows/:id',
    { config: { role: 'operate', audit: ['maintenance_window.deleted'] }, schema: { params } },
    async (request, reply) => {
      if (await windows.remove(request.params.id, request.act)) return reply.code(204).send()
      return missing(reply, request.params.id)
    },
  )
}

/** A window as people see it: times in RFC 3339. */
function shown({ from, to, ...window }: MaintenanceWindow) {
  return { ...window, from: new Date(from).toISOString(), to: new Date(to).toISOString() }
}

function send(reply: FastifyReply, id: string, changed: WindowChanged, isFromAlone = false) {
  if (changed.outcome === 'changed') return shown(changed.window)
  if (changed.outcome === 'not_found') return missing(reply, id)
  return isFromAlone
    ? invalid(reply, '/from', 'must be before to')
    : invalid(reply, '/to', 'must be after from')
}

function invalid(reply: FastifyReply, pointer: string, detail: string): FastifyReply {
  const errors = [{ pointer, detail }]
  return sendProblem(reply, 422, 'TIDEMARK_INVALID', 'the request does not match its schema', errors)
}

function missing(reply: FastifyReply, id: string): FastifyReply {
  return sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', `there is no maintenance window ${id}`)
}
