import { z } from 'zod'
import { type DeadLetter, deadLetterReasons } from '../../domain/dead-letter.ts'
import type { Act } from '../../log/act.ts'
import { topicCode, topicCodes } from '../../log/ingress-codec.ts'
import type { LogRecord } from '../../log/log.ts'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { encodeCursor, numberedPageQuery } from '../paging.ts'
import { scanStream, scanStreamBackward } from '../stream-scan.ts'

/** Letters that are appended together, to share a commit. */
const groupLettersMax = 100
const replayLettersMax = 10_000
const reason = z.enum(deadLetterReasons)
const ids = z
  .array(z.string().regex(/^\d{1,15}$/, 'not an id of a dead letter'))
  .min(1)
  .max(1_000)
const replayInput = z.union(
  [z.strictObject({ ids }), z.strictObject({ reason })],
  'expected {"ids": ["17", …]}, at most 1,000, or {"reason": "value.wrong_type"}',
)

type Listed = DeadLetter & { readonly id: string }

interface Replayed {
  replayed: number
  readonly failed: { readonly id: string; readonly reason: string }[]
  /** True when letters with this reason remain for another call. */
  more?: boolean
}

/** Messages that could not be stored: listed, and replayed once the cause is mended. */
export function deadLetterRoutes(app: Api, deps: HttpDeps): void {
  const query = z.strictObject({
    ...numberedPageQuery,
    reason: reason.optional(),
    device: z.string().optional(),
    order: z.enum(['oldest', 'newest']).default('oldest'),
  })
  app.get(
    '/api/v1/dead-letters',
    { config: { role: 'read' }, schema: { querystring: query } },
    async ({ query: { limit, cursor, reason: wanted, device, order } }) => {
      const matches = (letter: Listed) =>
        (wanted === undefined || letter.reason === wanted) &&
        (device === undefined || letter.device === device)
      const select = letterIf(matches)
      const { found, next } =
        order === 'oldest'
          ? await scanStream(deps.log, 'dead-letters', { from: cursor ?? 0 }, limit, select)
          : await scanStreamBackward(
              deps.log,
              'dead-letters',
              cursor ?? deps.log.end('dead-letters'),
              limit,
              select,
            )
      return { items: found, nextCursor: next === undefined ? null : encodeCursor(String(next)) }
    },
  )

  // One replay at a time: two of the same letter would append its message twice.
  let turn: Promise<unknown> = Promise.resolve()
  app.post(
    '/api/v1/dead-letters::replay',
    { config: { role: 'operate', audit: ['dead_letter.replayed'] }, schema: { body: replayInput } },
    ({ body, act }) => {
      const replay = () =>
        'ids' in body ? replayIds(deps, act, body.ids) : replayReason(deps, act, body.reason)
      const result = turn.then(replay)
      turn = result.catch(() => undefined)
      return result
    },
  )
}

async function replayIds(deps: HttpDeps, act: Act, wanted: readonly string[]): Promise<Replayed> {
  const result: Replayed = { replayed: 0, failed: [] }
  const letters: Listed[] = []
  for (const id of new Set(wanted.map((text) => String(Number(text))))) {
    const range = { from: Number(id), end: Number(id) + 1 }
    const { found } = await scanStream(
      deps.log,
      'dead-letters',
      range,
      1,
      letterIf(() => true),
    )
    const [letter] = found
    if (letter?.id === id) letters.push(letter)
    else result.failed.push({ id, reason: 'not found' })
  }
  for (let at = 0; at < letters.length; at += groupLettersMax) {
    await replayGroup(deps, act, letters.slice(at, at + groupLettersMax), result)
  }
  return result
}

/** Replays what is there now; letters that come of this replay itself stand after `end`, so it ends. */
async function replayReason(deps: HttpDeps, act: Act, wanted: string): Promise<Replayed> {
  const result: Replayed = { replayed: 0, failed: [], more: false }
  const end = deps.log.end('dead-letters')
  const select = letterIf((letter) => letter.reason === wanted)
  for (let from = 0; ; ) {
    const { found, next } = await scanStream(deps.log, 'dead-letters', { from, end }, groupLettersMax, select)
    await replayGroup(deps, act, found, result)
    // A log that refuses one message refuses the next ones too.
    const goOn = result.replayed < replayLettersMax && result.failed.length === 0
    if (next === undefined || !goOn) return { ...result, more: next !== undefined }
    from = next
  }
}

/** Appends the messages anew, then removes the letters: a crash in between replays them twice, onto the same points. */
async function replayGroup(
  { log, republish }: HttpDeps,
  act: Act,
  letters: readonly Listed[],
  result: Replayed,
): Promise<void> {
  const taken = await Promise.all(
    letters.map(({ device, topic, payload, encoding }) =>
      republish(device, Buffer.from(payload, encoding), topicCode(topic, device) ?? topicCodes.telemetry),
    ),
  )
  await log.transaction((tx) => {
    const removed = letters.filter(
      ({ id }, index) => taken[index] === true && tx.removeRecord('dead-letters', Number(id)),
    )
    const ids = removed.map(({ id }) => id)
    if (ids.length > 0) act.write(tx, 'dead_letter.replayed', ids.length === 1 ? ids[0]! : null, { ids })
  })
  letters.forEach(({ id }, index) => {
    if (taken[index] === true) result.replayed++
    else result.failed.push({ id, reason: 'the log does not take messages now' })
  })
}

function letterIf(matches: (letter: Listed) => boolean): (record: LogRecord) => Listed | undefined {
  return ({ offset, value }) => {
    const letter: Listed = { id: String(offset), ...(JSON.parse(value.toString()) as DeadLetter) }
    return matches(letter) ? letter : undefined
  }
}
