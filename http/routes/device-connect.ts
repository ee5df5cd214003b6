import { z } from 'zod'
import type { Api } from '../api.ts'
import { connectLines } from '../connect-lines.ts'
import type { HttpDeps } from '../http-deps.ts'
import { sendProblem } from '../problem.ts'
import { reachedHost } from '../reached-host.ts'

const params = z.object({ id: z.string() })

/** How a device connects, to be pasted. It holds no secret: that is in the answer to its creation alone. */
export function deviceConnectRoute(app: Api, { devices, profiles, mqttPorts }: HttpDeps): void {
  app.get(
    '/api/v1/devices/:id/connect',
    { config: { role: 'read' }, schema: { params } },
    async (request, reply) => {
      const device = devices.find(request.params.id)
      if (device === undefined)
        return sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', `there is no device ${request.params.id}`)
      const { plain, tls } = mqttPorts
      const address = { host: reachedHost(request), port: tls ?? plain, tls: tls !== undefined }
      const lines = connectLines(device.id, profiles.find(device.type), address)
      return { ...address, username: device.id, clientId: device.id, ...lines }
    },
  )
}
