import { messageOf, TidemarkError } from '../lib/errors.ts'

export interface DeviceCredentials {
  readonly username: string
  readonly password: string
}

/** A device as it is registered. One that is known keeps its labels where none are given. */
export interface NewDevice {
  readonly id: string
  readonly type: string
  readonly labels?: Readonly<Record<string, string>>
}

/** What became of one device of a registration. */
export interface Registration {
  readonly id: string
  readonly status: 'created' | 'updated' | 'failed'
  /** Of one that was created. */
  readonly credentials?: DeviceCredentials
  readonly error?: string
}

const answerMsMax = 15_000
/** As many as the API gives. */
export const pageItemsMax = 1_000
/** Some hundred kilobytes, and far from `answerMsMax`: the platform commits a hundred devices at a time. */
const registeredAtOnceMax = 5_000
/** Secrets that are renewed at the same time: each is a request of its own. */
const renewingMax = 16

/** What of a problem document concerns its reader; `cause` of TIDEMARK_API_ERROR. */
export interface ApiProblem {
  readonly status: number
  readonly code?: `TIDEMARK_${string}`
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[]
}

/** The code and the detail of a problem document (RFC 9457), or the beginning of what else was answered. */
function problemIn(status: number, text: string): { said: string; problem: ApiProblem } {
  try {
    const {
      code,
      detail,
      title,
      errors = [],
    } = JSON.parse(text) as Partial<ApiProblem> & Record<string, string>
    if (code !== undefined)
      return { said: `${code}: ${detail ?? title ?? ''}`, problem: { status, code, errors } }
  } catch {
    // Not the platform's answer: some proxy's.
  }
  return { said: text.slice(0, 300), problem: { status, errors: [] } }
}

function answerError(method: string, path: string, status: number, text: string): TidemarkError {
  const { said, problem } = problemIn(status, text)
  return new TidemarkError('TIDEMARK_API_ERROR', `${method} ${path}: ${status} ${said}`, { cause: problem })
}

/** The platform's HTTP API, as any client of it would use it. */
export class ApiClient {
  readonly #url: string
  /** Also the password of an operator on MQTT. */
  readonly token: string
  readonly #timeoutMs: number
  readonly #interruption: AbortSignal | undefined

  /** `url` is the platform's, without `/api/v1`. */
  constructor(url: string, token: string, timeoutMs = answerMsMax, interruption?: AbortSignal) {
    this.#timeoutMs = timeoutMs
    this.#url = url.replace(/\/+$/, '')
    this.token = token
    this.#interruption = interruption
  }

  /** The same client for work that ends when `signal` aborts: from then on all that it is asked rejects with TIDEMARK_INTERRUPTED (exit code 130). */
  until(signal: AbortSignal): ApiClient {
    return new ApiClient(this.#url, this.token, this.#timeoutMs, signal)
  }

  /** For work between requests. Throws TIDEMARK_INTERRUPTED (exit code 130). */
  throwIfInterrupted(): void {
    if (this.#interruption?.aborted)
      throw new TidemarkError('TIDEMARK_INTERRUPTED', 'interrupted', { exitCode: 130 })
  }

  /** The answer's JSON. Rejects with TIDEMARK_API_UNREACHABLE (exit code 3) or TIDEMARK_API_ERROR. */
  async request<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<T> {
    const isLines = typeof body === 'string'
    const { ok, status, text } = await this.#answer(`/api/v1${path}`, {
      method,
      headers: {
        ...headers,
        authorization: `Bearer ${this.token}`,
        ...(body === undefined
          ? {}
          : { 'content-type': isLines ? 'application/x-ndjson' : 'application/json' }),
      },
      ...(body === undefined ? {} : { body: isLines ? body : JSON.stringify(body) }),
    })
    if (!ok) throw answerError(method, path, status, text)
    return (isLines ? text : text === '' ? undefined : JSON.parse(text)) as T
  }

  /**
   * Posts to what answers with a stream of lines, and resolves with the first of them, as JSON, and with what ends the stream. Rejects
   * as `request` does.
   */
  async openStream<T>(path: string): Promise<{ readonly first: T; close(): void }> {
    const ending = new AbortController()
    try {
      const headers = { authorization: `Bearer ${this.token}` }
      const response = await fetch(`${this.#url}/api/v1${path}`, {
        method: 'POST',
        headers,
        signal: ending.signal,
      })
      if (!response.ok) throw answerError('POST', path, response.status, await response.text())
      const decoder = new TextDecoder()
      let text = ''
      for await (const chunk of response.body!.values({ preventCancel: true })) {
        text += decoder.decode(chunk, { stream: true })
        if (text.includes('\n')) break
      }
      return { first: JSON.parse(text.split('\n', 1)[0]!) as T, close: () => ending.abort() }
    } catch (error) {
      ending.abort()
      throw error instanceof TidemarkError ? error : this.#unreachable(error)
    }
  }

  /** An answer to its last byte, whatever its status. */
  async #answer(
    path: string,
    asked: RequestInit,
  ): Promise<{ readonly ok: boolean; readonly status: number; readonly text: string }> {
    this.throwIfInterrupted()
    const timeout = AbortSignal.timeout(this.#timeoutMs)
    const signal = this.#interruption === undefined ? timeout : AbortSignal.any([timeout, this.#interruption])
    try {
      const response = await fetch(`${this.#url}${path}`, { ...asked, signal })
      return { ok: response.ok, status: response.status, text: await response.text() }
    } catch (error) {
      this.throwIfInterrupted()
      throw this.#unreachable(error)
    }
  }

  #unreachable(error: unknown): TidemarkError {
    const reason = messageOf((error as Error).cause ?? error)
    const message = `${this.#url} does not answer: ${reason}`
    return new TidemarkError('TIDEMARK_API_UNREACHABLE', message, { exitCode: 3 })
  }

  /** The items of a list, page after page. Rejects as `request` does. */
  async *items<T>(path: string): AsyncGenerator<T> {
    const more = path.includes('?') ? '&' : '?'
    for (let cursor: string | null = ''; cursor !== null; ) {
      const next = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const page: { readonly items: readonly T[]; readonly nextCursor: string | null } = await this.request(
        'GET',
        `${path}${more}limit=${pageItemsMax}${next}`,
      )
      yield* page.items
      cursor = page.nextCursor
    }
  }

  /** What `/metrics` says, by name with its labels. Rejects with TIDEMARK_API_UNREACHABLE (exit code 3). */
  async metrics(): Promise<Map<string, number>> {
    const { text } = await this.#answer('/metrics', {})
    const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    return new Map(
      samples.map((line) => [
        line.slice(0, line.lastIndexOf(' ')),
        Number(line.slice(line.lastIndexOf(' ') + 1)),
      ]),
    )
  }

  /**
   * Registers devices as `POST /devices:import` does, a chunk at a time, in their order. A known device takes the type and,
   * where they are given, the labels; it keeps its secret. What could not be registered comes with its `error`.
   */
  async *register(devices: Iterable<NewDevice>): AsyncGenerator<Registration[]> {
    for (const chunk of chunksOf(devices, registeredAtOnceMax)) {
      const lines = chunk.map(({ id, type, labels }) => `${JSON.stringify({ id, type, labels })}\n`)
      const answer = await this.request<string>('POST', '/devices:import', lines.join(''))
      yield answer
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Registration)
    }
  }

  /** Gives each device a new secret; the one that it had is good no more. */
  async renewSecrets(ids: readonly string[]): Promise<Map<string, DeviceCredentials>> {
    const renewed = new Map<string, DeviceCredentials>()
    const left = ids.values()
    const renewNext = async () => {
      for (const id of left) {
        const path = `/devices/${encodeURIComponent(id)}/credentials`
        renewed.set(id, (await this.request<{ credentials: DeviceCredentials }>('POST', path)).credentials)
      }
    }
    await Promise.all(Array.from({ length: renewingMax }, renewNext))
    return renewed
  }

  /**
   * Registers devices, or finds them registered, and returns the secret of each; those of known devices are renewed. Rejects
   * with TIDEMARK_API_ERROR when one cannot be registered.
   */
  async provision(devices: Iterable<NewDevice>): Promise<Map<string, DeviceCredentials>> {
    const credentials = new Map<string, DeviceCredentials>()
    const known: string[] = []
    for await (const chunk of this.register(devices)) {
      for (const { id, error, credentials: made } of chunk) {
        if (error !== undefined) throw new TidemarkError('TIDEMARK_API_ERROR', `device ${id}: ${error}`)
        if (made === undefined) known.push(id)
        else credentials.set(id, made)
      }
    }
    for (const [id, renewed] of await this.renewSecrets(known)) credentials.set(id, renewed)
    return credentials
  }
}

function* chunksOf<T>(items: Iterable<T>, length: number): Generator<T[]> {
  let chunk: T[] = []
  for (const item of items) {
    chunk.push(item)
    if (chunk.length < length) continue
    yield chunk
    chunk = []
  }
  if (chunk.length > 0) yield chunk
}
