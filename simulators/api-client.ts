import { messageOf, TidemarkError } from '../lib/errors.ts'

export interface DeviceCredentials {
  readonly username: string
  readonly password: string
}

const timeoutMs = 15_000

/** The code and the detail of a problem document (RFC 9457), or the beginning of what else was answered. */
function problemIn(text: string): string {
  try {
    const { code, detail, title } = JSON.parse(text) as Record<string, string | undefined>
    if (code !== undefined) return `${code}: ${detail ?? title ?? ''}`
  } catch {
    // Not the platform's answer: some proxy's.
  }
  return text.slice(0, 300)
}

/** The platform's HTTP API, as any client of it would use it. */
export class ApiClient {
  readonly #url: string
  readonly #token: string

  /** `url` is the platform's, without `/api/v1`. */
  constructor(url: string, token: string) {
    this.#url = url.replace(/\/+$/, '')
    this.#token = token
  }

  /** The answer's JSON. Rejects with TIDEMARK_API_UNREACHABLE (exit code 3) or TIDEMARK_API_ERROR. */
  async request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const isLines = typeof body === 'string'
    let response: Response
    try {
      response = await fetch(`${this.#url}/api/v1${path}`, {
        method,
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          authorization: `Bearer ${this.#token}`,
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
      throw new TidemarkError(
        'TIDEMARK_API_ERROR',
        `${method} ${path}: ${response.status} ${problemIn(text)}`,
      )
    }
    return (isLines ? text : text === '' ? undefined : JSON.parse(text)) as T
  }

  /** Registers devices, or finds them registered, and returns the secret of each; those of known devices are renewed. */
  async provision(devices: readonly { id: string; type: string }[]): Promise<Map<string, DeviceCredentials>> {
    const credentials = new Map<string, DeviceCredentials>()
    const lines = devices.map(({ id, type }) => JSON.stringify({ id, type })).join('\n')
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
