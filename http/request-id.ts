import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export const requestIdHeader = 'x-request-id'

/** Safe in a header, a log line, a URL and a page, and bounded; UUID, ULID and trace ids are of this form. */
const givenId = /^[A-Za-z0-9_.:-]{1,128}$/

/** The id under which a request is answered and logged: the client's own where it is a safe one, else a random UUID. */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers[requestIdHeader]
  return typeof given === 'string' && givenId.test(given) ? given : randomUUID()
}
