import { z } from 'zod'
import type { Api } from '../api.ts'
import { connectLines } from '../connect-lines.ts'
import type { HttpDeps } from '../http-deps.ts'
import { sendProblem } from '../problem.ts'

const params = z.object({ id: z.string() })
/** A name or an address as it may stand in a line of a shell. */
const hostPattern = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$|^[0-9A-Fa-f:.]{2,45}$/

/** How a device connects, to be pasted. It holds no secret: that is in the answer to its creation alone. */
export function deviceConnectRoute(app: Api, { devices, profiles, mqttPorts }: HttpDeps): void {
  app.get(
    '/api/v1/devices/:id/connect',
    { config: { role: 'read' }, schema: { params } },
    async (request, reply) => {
      const device = devices.find(request.params.id)
      if (device === undefined)
        return sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', `there is no device ${request.params.id}`)
      // MQTT listens on the same address as this, which the caller has reached under this name.
      const asked = request.hostname.replace(/^\[(.*)\]$/, '$1')
      const host = hostPattern.test(asked) ? asked : 'localhost'
      const { plain, tls } = mqttPorts()
      const address = { host, port: tls ?? plain, tls: tls !== undefined }
      const lines = connectLines(device.id, profiles.find(device.type), address)
      return { ...address, username: device.id, clientId: device.id, ...lines }
    },
  )
}
