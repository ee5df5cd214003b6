import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError } from 'commander'
import { TidemarkError } from '../lib/errors.ts'
import { ApiClient } from '../simulators/api-client.ts'

/** Where a client command finds the platform. */
export interface ApiFlags {
  readonly api: string
  readonly token?: string
}

/** Adds `--api` and `--token`. */
export function withApi(command: Command): Command {
  return command
    .option('--api <url>', 'the platform', apiUrl, 'http://127.0.0.1:8080')
    .option('--token <token>', 'API token; else TIDEMARK_TOKEN or ./data/admin-token')
}

/** The client of the platform that the flags, the environment or the folder name. */
export function client({ api, token }: ApiFlags, timeoutMs?: number, dataDir = './data'): ApiClient {
  return new ApiClient(api, token ?? process.env.TIDEMARK_TOKEN ?? keptToken(dataDir), timeoutMs)
}

function keptToken(dataDir: string): string {
  const file = `${dataDir}/admin-token`
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    const message = `a token is needed: --token, TIDEMARK_TOKEN or ${file}`
    throw new TidemarkError('TIDEMARK_TOKEN_MISSING', message, { exitCode: 2 })
  }
}

function apiUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text
  throw new InvalidArgumentError('expected http://host:port or https://host:port')
}
