import type { ApiClient } from './api-client.ts'
import type { Page } from './types.ts'

const pageItems = 1_000

export interface AllItems<T> {
  readonly items: readonly T[]
  /** There are more than were asked for. */
  readonly isMore: boolean
}

/** A list, page by page, up to `itemsMax`. */
export async function allPages<T>(
  api: ApiClient,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  itemsMax: number,
  signal: AbortSignal,
): Promise<AllItems<T>> {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const page: Page<T> = await api.get<Page<T>>(path, { ...query, limit: pageItems, cursor }, signal)
    items.push(...page.items)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined && items.length < itemsMax)
  return { items, isMore: cursor !== undefined }
}
