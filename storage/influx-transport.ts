import { HttpError, InfluxDB } from '@influxdata/influxdb-client'
import { messageOf } from '../lib/errors.ts'

/** What came back, whatever it was: `status` 0 when there was no answer. */
export interface InfluxAnswer {
  readonly status: number
  readonly body: string
  readonly retryAfterSeconds: number | undefined
  readonly version: string | undefined
}

export interface InfluxTarget {
  readonly url: string
  readonly token?: string | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** How long an answer may take; 30 s unless told. */
  readonly timeoutMs?: number | undefined
}

const defaultTimeoutMs = 30_000

/**
 * Requests to InfluxDB through its client's transport. The client's own write buffer is not used: it lives in memory and
 * drops what does not fit, and the log is the buffer here.
 */
export class InfluxTransport {
  readonly #influx: InfluxDB
  readonly #headers: Record<string, string>

  constructor(target: InfluxTarget) {
    this.#influx = new InfluxDB({ url: target.url, timeout: target.timeoutMs ?? defaultTimeoutMs })
    const basic = Buffer.from(`${target.username}:${target.password ?? ''}`).toString('base64')
    this.#headers = {
      ...(target.token ? { authorization: `Token ${target.token}` } : {}),
      ...(!target.token && target.username ? { authorization: `Basic ${basic}` } : {}),
    }
  }

  /** Never rejects: a refused connection and a time-out are answers with status 0. The body is text, whatever it says it is. */
  request(
    method: 'GET' | 'POST',
    path: string,
    body = '',
    headers: Record<string, string> = {},
  ): Promise<InfluxAnswer> {
    let version: string | undefined
    let status = 0
    const chunks: Uint8Array[] = []
    return new Promise((resolve) => {
      const options = { method, headers: { ...this.#headers, ...headers } }
      this.#influx.transport.send(path, body, options, {
        responseStarted: (received, statusCode) => {
          status = statusCode ?? 0
          const header = received['X-Influxdb-Version'] ?? received['x-influxdb-version']
          version = Array.isArray(header) ? header[0] : header
        },
        next: (chunk) => void chunks.push(chunk),
        complete: () =>
          resolve({ status, body: Buffer.concat(chunks).toString(), retryAfterSeconds: undefined, version }),
        error: (error) => resolve(failed(error, version)),
      })
    })
  }
}

function failed(error: Error, version: string | undefined): InfluxAnswer {
  if (!(error instanceof HttpError))
    return { status: 0, body: messageOf(error), retryAfterSeconds: undefined, version }
  const seconds = Number(error.headers?.['retry-after'] ?? Number.NaN)
  return {
    status: error.statusCode,
    body: error.body ?? error.message,
    retryAfterSeconds: Number.isFinite(seconds) ? seconds : undefined,
    version,
  }
}
