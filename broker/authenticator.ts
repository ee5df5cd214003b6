import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'
import type { Operator, Principal, Role } from './rights.ts'

/** The port through which the broker knows devices. */
export interface DeviceDirectory {
  find(id: string): { readonly id: string; readonly secretHash: string } | undefined
}

/** The port through which the broker knows API tokens. */
export interface TokenDirectory {
  authenticate(token: string): { readonly id: string; readonly role: Role } | undefined
  /** Whether a token that was authenticated still stands: not removed, not expired, of the same role. */
  stands(token: { readonly id: string; readonly role: Role }): boolean
}

export interface Credentials {
  readonly clientId: string
  readonly username: string | undefined
  readonly password: string | undefined
  readonly address: string
}

/** What operators give as username; their password is an API token. */
export const operatorUsername = 'api'

const failuresMax = 5
const failureWindowMs = 60_000
const lockoutMs = 300_000
const trackedMax = 10_000
/** Compared against where the device is unknown, so that both answers take the same time. */
const nobodysHash = createHash('sha256').update('nobody').digest('hex')

/**
 * Decides who a CONNECT is. Devices: client id = username = device id with the secret as password, or the secret as
 * username without a password. Operators: username `api` and an API token. Unknown device and wrong secret are one answer.
 * After 5 failures in a minute from one address for one id, 5 minutes of refusal.
 */
export class Authenticator {
  readonly #devices: DeviceDirectory
  readonly #tokens: TokenDirectory
  readonly #clock: Clock
  readonly #failures = new Map<string, { count: number; until: number }>()

  constructor(devices: DeviceDirectory, tokens: TokenDirectory, clock: Clock) {
    this.#devices = devices
    this.#tokens = tokens
    this.#clock = clock
  }

  authenticate(credentials: Credentials): Principal | undefined {
    // Hashed, because an id that fails may be as long as a packet.
    const source = createHash('sha256')
      .update(`${credentials.address} ${credentials.clientId}`)
      .digest('base64')
    if (this.#isLockedOut(source)) return undefined
    const principal = this.#identify(credentials)
    if (principal === undefined) this.#countFailure(source)
    return principal
  }

  isDevice(id: string): boolean {
    return this.#devices.find(id) !== undefined
  }

  /** Whether the token with which an operator connected still stands. */
  stands(operator: Operator): boolean {
    return this.#tokens.stands(operator)
  }

  #identify({ clientId, username, password }: Credentials): Principal | undefined {
    if (username === undefined || username === '') return undefined
    if (username === operatorUsername && password !== undefined) {
      const token = this.#tokens.authenticate(password)
      // An operator must not take a device's session over by its client id.
      if (token !== undefined && !this.isDevice(clientId))
        return { kind: 'operator', id: token.id, role: token.role }
      // A device may be called `api` too.
      if (clientId !== operatorUsername) return undefined
    }
    const secret = username === clientId ? password : password === undefined ? username : undefined
    const device = this.#devices.find(clientId)
    const matches = secretMatches(secret ?? '', device === undefined ? nobodysHash : device.secretHash)
    return device !== undefined && secret !== undefined && matches
      ? { kind: 'device', id: device.id }
      : undefined
  }

  #isLockedOut(source: string): boolean {
    const failure = this.#failures.get(source)
    if (failure === undefined) return false
    if (this.#clock.now() >= failure.until) {
      this.#failures.delete(source)
      return false
    }
    return failure.count >= failuresMax
  }

  #countFailure(source: string): void {
    const now = this.#clock.now()
    const count = (this.#failures.get(source)?.count ?? 0) + 1
    const until =
      count >= failuresMax ? now + lockoutMs : (this.#failures.get(source)?.until ?? now + failureWindowMs)
    this.#failures.delete(source)
    this.#failures.set(source, { count, until })
    if (this.#failures.size > trackedMax) this.#failures.delete(this.#failures.keys().next().value as string)
  }
}

/** False for a hash that is missing or broken, which `timingSafeEqual` would answer by throwing. */
function secretMatches(secret: string, secretHash: string | undefined): boolean {
  const given = createHash('sha256').update(secret).digest()
  const kept = Buffer.from(typeof secretHash === 'string' ? secretHash : '', 'hex')
  return kept.length === given.length && timingSafeEqual(given, kept)
}
