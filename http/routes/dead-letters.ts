import { z } from 'zod'
import { type DeadLetter, deadLetterReasons } from '../../domain/dead-letter.ts'
import { topicCode, topicCodes } from '../../log/ingress-codec.ts'
import type { HttpDeps } from '../http-deps.ts'
import type { Api } from '../http-server.ts'
import { decodeCursor, page, pageQuery } from '../paging.ts'

const readLimits = { entriesMax: 1_000, bytesMax: 4 * 1024 * 1024 }
const reason = z.enum(deadLetterReasons)
const replayInput = z.union([
  z.strictObject({
    ids: z
      .array(z.string().regex(/^\d{1,15}$/, 'not an id of a dead letter'))
      .min(1)
      .max(1_000),
  }),
  z.strictObject({ reason }),
])

type Listed = DeadLetter & { readonly id: string }

/** Messages that could not be stored: listed, and replayed once the cause is mended. */
export function deadLetterRoutes(app: Api, deps: HttpDeps): void {
  const query = z.object({ ...pageQuery, reason: reason.optional(), device: z.string().optional() })
  app.get(
    '/api/v1/dead-letters',
    { config: { role: 'read' }, schema: { querystring: query } },
    async ({ query: { limit, cursor, reason: wanted, device } }) => {
      const matches = (letter: Listed) =>
        (wanted === undefined || letter.reason === wanted) &&
        (device === undefined || letter.device === device)
      const after = decodeCursor(cursor)
      const from = after === undefined ? 0 : Number(after) + 1
      return page(
        lettersFrom(deps, from, deps.log.end('dead-letters'), limit + 1, matches),
        limit,
        ({ id }) => id,
      )
    },
  )

  app.post(
    '/api/v1/dead-letters::replay',
    { config: { role: 'operate' }, schema: { body: replayInput } },
    async ({ body }) => {
      // Letters that come of this replay itself stand after `end`, so it ends.
      const end = deps.log.end('dead-letters')
      const failed: { id: string; reason: string }[] = []
      let replayed = 0
      const replay = async (letter: Listed | undefined, id: string) => {
        const problem = letter === undefined ? 'not found' : await replayOne(deps, letter)
        if (problem === undefined) replayed++
        else failed.push({ id, reason: problem })
      }
      if ('ids' in body) {
        for (const id of body.ids)
          await replay(lettersFrom(deps, Number(id), Number(id) + 1, 1, () => true)[0], id)
        return { replayed, failed }
      }
      for (let from = 0; from < end; ) {
        const letters = lettersFrom(
          deps,
          from,
          end,
          readLimits.entriesMax,
          (letter) => letter.reason === body.reason,
        )
        for (const letter of letters) await replay(letter, letter.id)
        const last = letters.at(-1)
        if (last === undefined) break
        from = Number(last.id) + 1
      }
      return { replayed, failed }
    },
  )
}

/** Letters with ids in [from, end) that match, oldest first, at most `limit`. */
function lettersFrom(
  { log }: HttpDeps,
  from: number,
  end: number,
  limit: number,
  matches: (letter: Listed) => boolean,
): Listed[] {
  const found: Listed[] = []
  for (let at = from; at < end && found.length < limit; ) {
    const records = log.read('dead-letters', at, readLimits)
    if (records.length === 0) break
    for (const { offset, value } of records) {
      if (offset >= end || found.length >= limit) return found
      const letter: Listed = { id: String(offset), ...(JSON.parse(value.toString()) as DeadLetter) }
      if (matches(letter)) found.push(letter)
      at = offset + 1
    }
  }
  return found
}

/** Appends the message anew, then removes the letter: a crash in between replays it twice, onto the same points. */
async function replayOne({ log, republish }: HttpDeps, letter: Listed): Promise<string | undefined> {
  const topic = topicCode(letter.topic, letter.device) ?? topicCodes.telemetry
  const taken = await republish(letter.device, Buffer.from(letter.payload, letter.encoding), topic)
  if (!taken) return 'the log does not take messages now'
  await log.transaction((tx) => tx.removeRecord('dead-letters', Number(letter.id)))
  return undefined
}
