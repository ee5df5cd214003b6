/** The pages, in the order of the menu. */
export const pages = ['overview', 'live', 'devices', 'alarms', 'rejected', 'rules', 'energy'] as const
export type PageName = (typeof pages)[number]

/** Where one is: `#/devices/fridge-1?range=1h`. */
export interface Route {
  readonly page: PageName
  /** The one thing of the page that is open. */
  readonly id: string | undefined
  readonly query: Readonly<Record<string, string>>
}

/** The route of an address' hash; what is none is the overview. */
export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const [name, ...rest] = path.split('/')
  const page = pages.find((one) => one === name) ?? 'overview'
  const id = rest.join('/')
  return {
    page,
    id: id === '' ? undefined : decoded(id),
    query: Object.fromEntries(new URLSearchParams(search)),
  }
}

/** The hash of a route; parameters that are undefined or empty are left out. */
export function hrefOf(
  page: PageName,
  id?: string,
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const kept = Object.entries(query).flatMap(([name, value]) =>
    value ? [[name, value] as [string, string]] : [],
  )
  const search = new URLSearchParams(kept).toString()
  const path = id === undefined ? page : `${page}/${encodeURIComponent(id)}`
  return `#/${path}${search === '' ? '' : `?${search}`}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
