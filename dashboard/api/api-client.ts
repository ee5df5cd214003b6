import type { FieldProblem } from './types.ts'

/** The platform answered that it will not (RFC 9457). */
export class ApiProblem extends Error {
  readonly status: number
  readonly errors: readonly FieldProblem[]

  constructor(status: number, detail: string, errors: readonly FieldProblem[] = []) {
    super(detail)
    this.status = status
    this.errors = errors
  }
}

/** There was no answer: the platform or the way to it is down. */
export class Unreachable extends Error {}

export interface Answer<T> {
  readonly body: T
  readonly etag: string | null
}

type Query = Readonly<Record<string, string | number | undefined>>

interface RequestOptions {
  readonly query?: Query | undefined
  readonly body?: unknown
  readonly ifMatch?: string | undefined
  readonly signal?: AbortSignal | undefined
}

const answerMsMax = 20_000

/** The HTTP API with one token. Paths are relative to `api/v1/` beside the page. */
export class ApiClient {
  readonly #base: string
  readonly #token: string
  /** Called when the token is refused. */
  onRefused: () => void = () => undefined
  /** Called with every answer, and with every call that got none. */
  onReached: (isReached: boolean) => void = () => undefined

  /** `base` is the address of the page, with a slash at its end. */
  constructor(base: string, token: string) {
    this.#base = base
    this.#token = token
  }

  async get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
    return (await this.request<T>('GET', path, { query, signal })).body
  }

  async post<T>(path: string, body?: unknown): Promise<T> {
    return (await this.request<T>('POST', path, { body })).body
  }

  /** The text of `/metrics`, which needs no token. */
  async metrics(signal?: AbortSignal): Promise<string> {
    return (await this.#fetch(new URL('metrics', this.#base), { signal: withTimeout(signal) })).text()
  }

  async request<T>(method: string, path: string, options: RequestOptions = {}): Promise<Answer<T>> {
    const url = this.#url(path, options.query)
    const headers = this.#headers(options)
    const body = options.body === undefined ? null : JSON.stringify(options.body)
    const response = await this.#fetch(url, { method, headers, body, signal: withTimeout(options.signal) })
    const text = await response.text()
    if (!response.ok) throw this.#problem(response.status, text)
    return { body: (text === '' ? undefined : JSON.parse(text)) as T, etag: response.headers.get('etag') }
  }

  /** A live stream of server-sent events, from the one after `lastId` on; its body never ends by itself. */
  async openStream(
    path: string,
    { lastId, query, signal }: { lastId?: string | undefined; query?: Query; signal: AbortSignal },
  ): Promise<Response> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.#token}` }
    if (lastId !== undefined) headers['last-event-id'] = lastId
    const response = await this.#fetch(this.#url(path, query), { headers, signal })
    if (!response.ok) throw this.#problem(response.status, await response.text())
    return response
  }

  #url(path: string, query: Query = {}): URL {
    const url = new URL(`api/v1/${path}`, this.#base)
    for (const [name, value] of Object.entries(query))
      if (value !== undefined && value !== '') url.searchParams.set(name, String(value))
    return url
  }

  #headers({ body, ifMatch }: RequestOptions): Record<string, string> {
    return {
      authorization: `Bearer ${this.#token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
    }
  }

  async #fetch(url: URL, init: RequestInit): Promise<Response> {
    try {
      const response = await fetch(url, init)
      this.onReached(true)
      return response
    } catch (error) {
      // Left by ourselves: it says nothing of the platform.
      if (error instanceof DOMException && error.name === 'AbortError') throw error
      this.onReached(false)
      throw new Unreachable('the platform does not answer')
    }
  }

  #problem(status: number, text: string): ApiProblem {
    if (status === 401) this.onRefused()
    try {
      const { detail, title, errors } = JSON.parse(text) as {
        detail?: string
        title?: string
        errors?: readonly FieldProblem[]
      }
      return new ApiProblem(status, detail ?? title ?? `answer ${status}`, errors)
    } catch {
      return new ApiProblem(status, `answer ${status}`)
    }
  }
}

function withTimeout(signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(answerMsMax)
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout])
}
