import { appendFileSync, closeSync, fchmodSync, fstatSync, openSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { z } from 'zod'
import { isDeviceId, isDeviceType, isLabelName } from '../domain/names.ts'
import { messageOf, TidemarkError } from '../lib/errors.ts'
import type { ApiClient, DeviceCredentials, NewDevice } from './api-client.ts'

export interface ProvisionOptions {
  readonly devices: Iterable<NewDevice>
  readonly api: ApiClient
  /** Gives new secrets to devices that are known already. */
  readonly rotate: boolean
  /** Takes each line of credentials as soon as the platform has made it: a secret is shown once. */
  readonly write: (line: string) => void
  readonly onProgress?: (devices: number) => void
}

export interface ProvisionReport {
  readonly devices: number
  readonly created: number
  /** Known before; they keep their secrets unless these were renewed. */
  readonly updated: number
  readonly renewed: number
  readonly failed: number
  /** The first reasons, `fridge 1: not a device id`. */
  readonly errors: readonly string[]
}

const errorsMax = 10

/**
 * Registers devices and hands out their credentials, `{"id","type","username","password"}` a line. Rejects with
 * TIDEMARK_API_UNREACHABLE (exit code 3) or TIDEMARK_API_ERROR; a device that is refused is counted, and the others go on.
 */
export async function provision(options: ProvisionOptions): Promise<ProvisionReport> {
  const { api, write } = options
  const counts = { devices: 0, created: 0, updated: 0, renewed: 0, failed: 0 }
  const errors: string[] = []
  const types = new Map<string, string>()
  const handOut = (id: string, credentials: DeviceCredentials) =>
    write(`${JSON.stringify({ id, type: types.get(id), ...credentials })}\n`)
  const noted = function* () {
    for (const device of options.devices) {
      types.set(device.id, device.type)
      yield device
    }
  }
  for await (const chunk of api.register(noted())) {
    const known: string[] = []
    for (const { id, status, credentials, error } of chunk) {
      counts.devices++
      counts[status]++
      if (status === 'updated') known.push(id)
      if (credentials !== undefined) handOut(id, credentials)
      if (error !== undefined && errors.length < errorsMax) errors.push(`${id}: ${error}`)
    }
    if (options.rotate) {
      for (const [id, credentials] of await api.renewSecrets(known)) {
        counts.renewed++
        handOut(id, credentials)
      }
    }
    // What became of these is written; only the chunk that is on its way is kept.
    types.clear()
    options.onProgress?.(counts.devices)
  }
  return { ...counts, errors }
}

/** `count` devices of one type; `{n}` in `ids` is the number of each, from 1 on. */
export function* numberedDevices(
  type: string,
  count: number,
  ids: string,
  labels?: Readonly<Record<string, string>>,
): Generator<NewDevice> {
  for (let number = 1; number <= count; number++) {
    const id = ids.replaceAll('{n}', String(number))
    yield labels === undefined ? { id, type } : { id, type, labels }
  }
}

const deviceSchema = z.strictObject({
  id: z.string().refine(isDeviceId, 'not a device id'),
  type: z.string().refine(isDeviceType, 'not a device type'),
  labels: z.record(z.string().refine(isLabelName, 'not a label name'), z.string()).optional(),
})

/**
 * The devices of a file, `{"id","type","labels"}` a line as `POST /devices:import` takes them. Throws
 * TIDEMARK_PROVISION_INVALID (exit code 2) with the line's number, before anything is registered.
 */
export async function devicesOfFile(path: string): Promise<NewDevice[]> {
  const devices: NewDevice[] = []
  let line = 0
  try {
    const file = await open(path)
    for await (const text of file.readLines()) {
      line++
      if (text.trim() === '') continue
      const parsed = deviceSchema.safeParse(JSON.parse(text))
      if (!parsed.success) {
        const [issue] = parsed.error.issues
        throw new Error(`/${issue?.path.join('/')}: ${issue?.message}`)
      }
      const { labels, ...device } = parsed.data
      devices.push(labels === undefined ? device : { ...device, labels })
    }
  } catch (error) {
    throw invalid(`${path}${line === 0 ? '' : `, line ${line}`}: ${messageOf(error)}`)
  }
  if (devices.length === 0) throw invalid(`${path} holds no device`)
  return devices
}

/** A file of secrets: only its owner may read it, and what it holds already is kept, since no secret is shown twice. */
export class CredentialsFile {
  readonly #file: number

  /** Throws TIDEMARK_PROVISION_INVALID (exit code 2) when it cannot be written. */
  constructor(path: string) {
    try {
      this.#file = openSync(path, 'a', 0o600)
      // A terminal or another device belongs to others too.
      if (fstatSync(this.#file).isFile()) fchmodSync(this.#file, 0o600)
    } catch (error) {
      throw invalid(messageOf(error))
    }
  }

  /** Throws TIDEMARK_PROVISION_INVALID (exit code 2). */
  write(line: string): void {
    try {
      // To the last byte, which `writeSync` does not promise.
      appendFileSync(this.#file, line)
    } catch (error) {
      throw invalid(
        `credentials cannot be written: ${messageOf(error)}; those that are not in the file are lost, --rotate makes new ones`,
      )
    }
  }

  close(): void {
    closeSync(this.#file)
  }
}

function invalid(message: string): TidemarkError {
  return new TidemarkError('TIDEMARK_PROVISION_INVALID', message, { exitCode: 2 })
}
