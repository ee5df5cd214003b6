import { z } from 'zod'

const limit = z.coerce.number().int().min(1).max(1000).default(50).describe('items of a page')

/** The place that a cursor holds; one that we did not make is refused, not guessed at. */
const cursor = z
  .string()
  .max(512)
  .refine((text) => encodeCursor(decodeCursor(text)) === text, 'not a cursor of this list')
  .transform(decodeCursor)
  .describe('`nextCursor` of the page before')

const placeInStream = /^\d{1,16}$/

/** Query parameters of every list. `cursor` arrives decoded: the place of the last item of the page before. */
export const pageQuery = { limit, cursor: cursor.optional() }

/** The same for lists whose places are numbers: offsets, versions, Unix ms. */
export const numberedPageQuery = {
  limit,
  cursor: cursor
    .refine((place) => placeInStream.test(place), 'not a cursor of this list')
    .transform(Number)
    .optional(),
}

/** A list as the contract has it; `cursorOf` gives the place of an item, where the next page goes on. */
export function page<T>(found: readonly T[], limit: number, cursorOf: (item: T) => string) {
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return {
    items,
    nextCursor: found.length > limit && last !== undefined ? encodeCursor(cursorOf(last)) : null,
  }
}

export function encodeCursor(place: string): string {
  return Buffer.from(place).toString('base64url')
}

function decodeCursor(cursor: string): string {
  return Buffer.from(cursor, 'base64url').toString()
}
