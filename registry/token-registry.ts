import { randomUUID, timingSafeEqual } from 'node:crypto'
import { changedFields } from '../lib/changed-fields.ts'
import type { Clock } from '../lib/clock.ts'
import type { Act } from '../log/act.ts'
import type { Log } from '../log/log.ts'
import { hashOf, newSecret } from './device-registry.ts'

export type Role = 'read' | 'operate' | 'admin'

export interface Token {
  readonly id: string
  readonly name: string
  readonly role: Role
  /** RFC 3339, or null for one that does not expire. */
  readonly expiresAt: string | null
}

interface TokenRecord extends Token {
  readonly hash: string
}

const adminToken: Token = { id: 'admin', name: 'admin', role: 'admin', expiresAt: null }

/** API tokens; only their SHA-256 is kept. The administrator's own token comes from the configuration and is not listed. */
export class TokenRegistry {
  readonly #log: Log
  readonly #clock: Clock
  readonly #adminHash: string

  constructor(log: Log, clock: Clock, adminToken: string) {
    this.#log = log
    this.#clock = clock
    this.#adminHash = hashOf(adminToken)
  }

  /** What `token` is; undefined when there is none such or it has expired. The administrator's own has the id and the name `admin`. */
  authenticate(token: string): Token | undefined {
    const hash = hashOf(token)
    if (sameHash(hash, this.#adminHash)) return adminToken
    // Found by its hash: what the comparison's time could tell is the hash of a random token, not the token.
    const id = this.#log.get<string>('meta', `token:${hash}`)
    const record = id === undefined ? undefined : this.#log.get<TokenRecord>('tokens', id)
    if (record === undefined || !sameHash(record.hash, hash)) return undefined
    return this.#hasExpired(record) ? undefined : withoutHash(record)
  }

  /** Whether a token that was authenticated still stands: not removed, not expired, of the same role. */
  stands({ id, role }: Pick<Token, 'id' | 'role'>): boolean {
    if (id === adminToken.id) return true
    const record = this.#log.get<TokenRecord>('tokens', id)
    return record !== undefined && record.role === role && !this.#hasExpired(record)
  }

  async create(input: Omit<Token, 'id'>, act?: Act): Promise<{ token: Token; secret: string }> {
    const secret = newSecret()
    const token: Token = { id: randomUUID(), ...input }
    const hash = hashOf(secret)
    await this.#log.transaction((tx) => {
      tx.put('tokens', token.id, { ...token, hash } satisfies TokenRecord)
      tx.put('meta', `token:${hash}`, token.id)
      act?.write(tx, 'token.created', token.id, { ...input })
    })
    return { token, secret }
  }

  list(): Token[] {
    return this.#log.entries<TokenRecord>('tokens').map(([, record]) => withoutHash(record))
  }

  find(id: string): Token | undefined {
    const record = this.#log.get<TokenRecord>('tokens', id)
    return record === undefined ? undefined : withoutHash(record)
  }

  /** Changes what is given; undefined when there is no such token. The token itself stays. */
  async update(
    id: string,
    change: { name?: string | undefined; role?: Role | undefined; expiresAt?: string | null | undefined },
    act?: Act,
  ): Promise<Token | undefined> {
    return this.#log.transaction((tx) => {
      const record = tx.get<TokenRecord>('tokens', id)
      if (record === undefined) return undefined
      const changed: TokenRecord = {
        ...record,
        name: change.name ?? record.name,
        role: change.role ?? record.role,
        expiresAt: change.expiresAt === undefined ? record.expiresAt : change.expiresAt,
      }
      const fields = changedFields(record, changed)
      if (fields.length === 0) return withoutHash(record)
      tx.put('tokens', id, changed)
      act?.write(tx, 'token.updated', id, {
        ...{ changed: fields, name: changed.name },
        ...{ roleBefore: record.role, role: changed.role },
      })
      return withoutHash(changed)
    })
  }

  remove(id: string, act?: Act): Promise<boolean> {
    return this.#log.transaction((tx) => {
      const record = tx.get<TokenRecord>('tokens', id)
      if (record === undefined) return false
      tx.remove('tokens', id)
      tx.remove('meta', `token:${record.hash}`)
      act?.write(tx, 'token.revoked', id, { name: record.name, role: record.role })
      return true
    })
  }

  #hasExpired({ expiresAt }: TokenRecord): boolean {
    return expiresAt !== null && Date.parse(expiresAt) <= this.#clock.now()
  }
}

function withoutHash({ hash: _, ...token }: TokenRecord): Token {
  return token
}

function sameHash(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'))
}
