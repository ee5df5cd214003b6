import { z } from 'zod'

/** Query parameters of every list. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  cursor: z.string().max(512).optional(),
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

export function decodeCursor(cursor: string | undefined): string | undefined {
  return cursor === undefined ? undefined : Buffer.from(cursor, 'base64url').toString()
}
