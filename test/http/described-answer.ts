import { isDeepStrictEqual } from 'node:util'
import { answerSchemas, problemSchema } from '../../http/answer-schemas.ts'
import { type Answer, answers } from '../../http/openapi-answers.ts'

const described = Object.entries(answers).map(([operation, answer]) => {
  const [method = '', path = ''] = operation.split(' ')
  const pattern = path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '[^/:?]+')
  // A verb that is fixed goes before an id that could be anything.
  return { method, pattern: new RegExp(`^${pattern}(\\?|$)`), rank: path.includes('{') ? 1 : 0, answer }
})
described.sort((a, b) => a.rank - b.rank)

/** What an answer has otherwise than `/openapi.json` says, in fields that it does not name too; undefined where nothing. */
export function undescribed(
  method: string,
  url: string,
  { status, body }: { readonly status: number; readonly body: unknown },
): string | undefined {
  if (method === 'HEAD') return undefined
  if (status >= 400) return difference(problemSchema, body)
  const found = described.find((one) => one.method === method && one.pattern.test(url))
  return found === undefined ? undefined : differenceTo(found.answer, status, body)
}

function differenceTo([expected, name]: Answer, status: number, body: unknown): string | undefined {
  if (status !== expected) return `${status} in place of ${expected}`
  if (name === undefined) return body === undefined ? undefined : 'a body'
  return difference(answerSchemas[name], body)
}

function difference(
  schema: (typeof answerSchemas)[keyof typeof answerSchemas] | typeof problemSchema,
  body: unknown,
) {
  const parsed = schema.safeParse(body)
  if (!parsed.success) return parsed.error.message
  // What a schema does not name it leaves out.
  if (isDeepStrictEqual(parsed.data, body)) return undefined
  return `${JSON.stringify(body)} in place of ${JSON.stringify(parsed.data)}`
}
