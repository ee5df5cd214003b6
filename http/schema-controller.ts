import type { FastifyServerOptions } from 'fastify'
import { compileValidator } from './problem.ts'

/** Requests have Zod's schemas, and answers none: Fastify's own compilers, a sixth of all files of a start, are not loaded. */
export const schemaController = {
  compilersFactory: {
    buildValidator: () => compileValidator,
    buildSerializer: () => () => JSON.stringify,
  },
} as unknown as NonNullable<FastifyServerOptions['schemaController']>
