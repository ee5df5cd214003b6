import type { PlatformProcess } from './platform-process.ts'

/** All items of a list of the API, page after page; `path` has its `?`. */
export async function pages<T>({ api }: Pick<PlatformProcess, 'api'>, path: string): Promise<T[]> {
  const items: T[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = `&limit=1000${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
    const page: { items: T[]; nextCursor: string | null } = await api.request('GET', `${path}${query}`)
    items.push(...page.items)
    cursor = page.nextCursor
  }
  return items
}
