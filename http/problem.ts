import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { toPointer } from '../rules/rule-schema.ts'

export interface FieldProblem {
  /** RFC 6901, into the body as it was sent; `/query/name` for a query parameter. */
  readonly pointer: string
  readonly detail: string
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not authenticated',
  403: 'Forbidden',
  404: 'Not found',
  409: 'Conflict',
  412: 'Precondition failed',
  413: 'Payload too large',
  415: 'Unsupported media type',
  422: 'Unprocessable content',
  428: 'Precondition required',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Service unavailable',
}

/**
 * Answers with a problem document (RFC 9457). `type` is the path of a page (routes/problems.ts), relative because the platform does
 * not know under which name it is reached, and whole, as section 3.1.1 asks of a relative one. `requestId` is a member of ours and not `instance`: that would have to be a URI,
 * and an id that the client has chosen names no occurrence for certain.
 */
export function sendProblem(
  reply: FastifyReply,
  status: number,
  code: `TIDEMARK_${string}`,
  detail: string,
  errors?: readonly FieldProblem[],
): FastifyReply {
  const body = {
    type: `/problems/${code}`,
    title: titles[status] ?? 'Error',
    status,
    code,
    detail,
    requestId: reply.request.id,
    ...(errors && { errors }),
  }
  return reply.code(status).type('application/problem+json').send(body)
}

/** The request does not match the schema of its route. Fastify adds which part of it. */
export class InvalidRequest extends Error {
  readonly issues: readonly z.core.$ZodIssue[]
  readonly validationContext?: string

  constructor(issues: readonly z.core.$ZodIssue[]) {
    super('the request does not match its schema')
    this.issues = issues
  }
}

/** Fastify's validation by Zod; unlike the type provider's own it keeps the path of each problem. */
export function compileValidator({ schema }: { schema: z.ZodType }) {
  return (input: unknown) => {
    // Zod leaves this one out where a schema lets through what it does not name.
    if (Object.hasOwn(Object(input), '__proto__')) {
      const unknown = { keys: ['__proto__'], path: [], message: 'unknown field' }
      return { error: new InvalidRequest([{ code: 'unrecognized_keys', ...unknown }]) }
    }
    const parsed = z.safeParse(schema, input)
    return parsed.success ? { value: parsed.data } : { error: new InvalidRequest(parsed.error.issues) }
  }
}

/** What is wrong and where; an unknown field is named by its own pointer. */
export function fieldProblems(issues: readonly z.core.$ZodIssue[], prefix = ''): FieldProblem[] {
  return issues.flatMap((issue): FieldProblem[] => {
    const path = issue.path.map(String)
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        pointer: prefix + toPointer([...path, key]),
        detail: 'unknown field',
      }))
    }
    const detail = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message
    return [{ pointer: prefix + toPointer(path), detail }]
  })
}
