import type { Authenticator } from './authenticator.ts'
import { operatorUsername } from './authenticator.ts'
import { mayPublish, mayRetain, type Principal } from './rights.ts'

/** What a CONNECT asks for. */
export interface ConnectRequest {
  /** As the client sent it, possibly empty. */
  readonly clientId: string
  /** The one it goes by: made by the broker when it sent none. */
  readonly effectiveClientId: string
  readonly clean: boolean
  readonly username: string | undefined
  readonly password: string | undefined
  readonly address: string
  /** Common name of its certificate, where the listener asks for one; '' when that has none. */
  readonly certificateName: string | undefined
  readonly will: { readonly topic: string; readonly retain: boolean } | undefined
}

export type Admission =
  | { readonly principal: Principal }
  | { readonly returnCode: 2 | 5; readonly code: `TIDEMARK_${string}`; readonly message: string }

const identifierRejected = 2
const notAuthorized = 5
const deviceKeepaliveSecondsMin = 10
const deviceKeepaliveSecondsMax = 1_200

/**
 * Decides a CONNECT: who it is, or with which return code and why it is refused. A will is judged here, because it is
 * published when nobody is left to be told that it may not.
 */
export function admit(request: ConnectRequest, authenticator: Authenticator): Admission {
  const { clientId, effectiveClientId, clean, certificateName, will } = request
  // [MQTT-3.1.3-8]
  if (clientId === '' && !clean) {
    return refusal(identifierRejected, 'TIDEMARK_CLIENT_ID', 'a persistent session needs a client id')
  }
  if (certificateName !== undefined && certificateName !== effectiveClientId) {
    return refusal(
      notAuthorized,
      'TIDEMARK_CERTIFICATE_NAME',
      "the certificate's common name is not the client id",
    )
  }
  const principal = authenticator.authenticate({ ...request, clientId: effectiveClientId })
  if (principal === undefined) {
    return refusal(notAuthorized, 'TIDEMARK_NOT_AUTHORIZED', 'unknown device or wrong secret')
  }
  if (will !== undefined && !(mayPublish(principal, will.topic) && (!will.retain || mayRetain(principal)))) {
    return refusal(
      notAuthorized,
      'TIDEMARK_TOPIC_FORBIDDEN',
      'the will has a topic that this client may not use',
    )
  }
  return { principal }
}

/** Seconds of keepalive that hold for a client. Devices: 10 to 1,200, and 0 counts as 1,200; operators as they ask. */
export function keepaliveSeconds(username: string | undefined, asked: number): number {
  if (username === operatorUsername) return asked
  return Math.min(
    Math.max(asked || deviceKeepaliveSecondsMax, deviceKeepaliveSecondsMin),
    deviceKeepaliveSecondsMax,
  )
}

function refusal(returnCode: 2 | 5, code: `TIDEMARK_${string}`, message: string): Admission {
  return { returnCode, code, message }
}
