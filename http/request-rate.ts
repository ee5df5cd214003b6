import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance } from 'fastify'
import { bearerToken } from './access.ts'

/** Of one token. A dashboard asks a few times a second, `simulate verify` some hundred times: this stops a loop, not a user. */
export const requestsPerMinuteMax = 30_000
/** Tokens that are counted; beyond, the one that was silent for longest is forgotten. */
const tokensMax = 5_000

/**
 * Limits the requests of each token to so many a minute, and says in `RateLimit-*` (draft-ietf-httpapi-ratelimit-headers-05) how
 * many are left. Of requests without a token nothing is counted here: they are health, metrics and pages.
 */
export async function limitRequestRate(app: FastifyInstance, perMinuteMax: number): Promise<void> {
  await app.register(rateLimit, {
    max: perMinuteMax,
    timeWindow: 60_000,
    cache: tokensMax,
    enableDraftSpec: true,
    allowList: ({ caller }) => caller === undefined,
    keyGenerator: (request) => bearerToken(request) ?? '',
    errorResponseBuilder: (_request, { statusCode, max }) =>
      Object.assign(new Error(`at most ${max} requests a minute of one token`), { statusCode }),
  })
}
