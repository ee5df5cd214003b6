import { messageOf, TidemarkError } from '../lib/errors.ts'

export interface DeviceCredentials {
  readonly username: string
  readonly password: string
}

const answerMsMax = 15_000

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

/** The platform's HTTP API, as any client of it would use it. */
export class ApiClient {
  readonly #url: string
  /** Also the password of an operator on MQTT. */
  readonly token: string
  readonly #timeoutMs: number

  /** `url` is the platform's, without `/api/v1`. */
  constructor(url: string, token: string, timeoutMs = answerMsMax) {
    this.#timeoutMs = timeoutMs
    this.#url = url.replace(/\/+$/, '')
    this.token = token
  }

  /** The answer's JSON. Rejects with TIDEMARK_API_UNREACHABLE (exit code 3) or TIDEMARK_API_ERROR. */
  async request<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<T> {
    const isLines = typeof body === 'string'
    let response: Response
    try {
      response = await fetch(`${this.#url}/api/v1${path}`, {
        method,
        signal: AbortSignal.timeout(this.#timeoutMs),
        headers: {
          ...headers,
          authorization: `Bearer ${this.token}`,
          ...(body === undefined
            ? {}
            : { 'content-type': isLines ? 'application/x-ndjson' : 'application/json' }),
        },
        ...(body === undefined ? {} : { body: isLines ? body : JSON.stringify(body) }),
      })
    } catch (error) {
      const reason = messageOf((error as Error).cause ?? error)
      throw new TidemarkError('TIDEMARK_API_UNREACHABLE', `${this.#url} does not answer: ${reason}`, {
        exitCode: 3,
      })
    }
    const text = await response.text()
    if (!response.ok) {
      const { said, problem } = problemIn(response.status, text)
      const message = `${method} ${path}: ${response.status} ${said}`
      throw new TidemarkError('TIDEMARK_API_ERROR', message, { cause: problem })
    }
    return (isLines ? text : text === '' ? undefined : JSON.parse(text)) as T
  }

  /** What `/metrics` says, by name with its labels. Rejects with TIDEMARK_API_UNREACHABLE (exit code 3). */
  async metrics(): Promise<Map<string, number>> {
    const text = await fetch(`${this.#url}/metrics`, { signal: AbortSignal.timeout(this.#timeoutMs) })
      .then((response) => response.text())
      .catch((error) => {
        const reason = messageOf((error as Error).cause ?? error)
        throw new TidemarkError('TIDEMARK_API_UNREACHABLE', `${this.#url} does not answer: ${reason}`, {
          exitCode: 3,
        })
      })
    const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    return new Map(
      samples.map((line) => [
        line.slice(0, line.lastIndexOf(' ')),
        Number(line.slice(line.lastIndexOf(' ') + 1)),
      ]),
    )
  }

  /** Registers devices, or finds them registered, and returns the secret of each; those of known devices are renewed. */
  async provision(
    devices: readonly { id: string; type: string; labels?: Readonly<Record<string, string>> }[],
  ): Promise<Map<string, DeviceCredentials>> {
    const credentials = new Map<string, DeviceCredentials>()
    const lines = devices.map(({ id, type, labels }) => JSON.stringify({ id, type, labels })).join('\n')
    const answer = await this.request<string>('POST', '/devices:import', `${lines}\n`)
    for (const line of answer.split('\n')) {
      if (line === '') continue
      const result = JSON.parse(line) as {
        id: string
        status: string
        credentials?: DeviceCredentials
        error?: string
      }
      if (result.status === 'failed')
        throw new TidemarkError('TIDEMARK_API_ERROR', `device ${result.id}: ${result.error}`)
      if (result.credentials !== undefined) credentials.set(result.id, result.credentials)
    }
    for (const { id } of devices) {
      if (credentials.has(id)) continue
      const renewed = await this.request<{ credentials: DeviceCredentials }>(
        'POST',
        `/devices/${id}/credentials`,
      )
      credentials.set(id, renewed.credentials)
    }
    return credentials
  }
}
