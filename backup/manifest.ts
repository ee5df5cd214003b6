import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, TidemarkError } from '../lib/errors.ts'

/** Written last: a folder without it is not a backup. */
export const manifestFile = 'manifest.json'
const format = 1

/** Everything of the data directory that a backup takes, where it is there; with `isLog` what a platform cannot start without. */
export const backedUpFiles = [
  { path: 'log/main/data.mdb', isLog: true },
  { path: 'log/ingress/data.mdb', isLog: true },
  { path: 'readings.duckdb', isLog: false },
  { path: 'readings.duckdb.wal', isLog: false },
  { path: 'admin-token', isLog: false },
] as const

export interface BackedUpFile {
  /** Within the data directory and the backup. */
  readonly path: string
  readonly bytes: number
  /** Hexadecimal. */
  readonly sha256: string
}

export interface Manifest {
  readonly format: typeof format
  /** RFC 3339: when copying began. */
  readonly createdAt: string
  readonly files: readonly BackedUpFile[]
}

/** Bytes and SHA-256 of a file. */
export async function digestOf(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk)
    bytes += (chunk as Buffer).length
  }
  return { bytes, sha256: hash.digest('hex') }
}

/** Writes the manifest of the backup in `dir`, to the disk. */
export async function writeManifest(
  dir: string,
  files: readonly BackedUpFile[],
  createdAt: string,
): Promise<void> {
  const manifest: Manifest = { format, createdAt, files }
  const file = await open(join(dir, manifestFile), 'wx', 0o600)
  try {
    await file.writeFile(`${JSON.stringify({ manifest, sha256: ownDigest(manifest) }, null, 2)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Throws TIDEMARK_BACKUP_INVALID (exit code 2) where `dir` has none, or one that is not as it was written. */
export async function readManifest(dir: string): Promise<Manifest> {
  let text: string
  try {
    text = await readFile(join(dir, manifestFile), 'utf8')
  } catch (error) {
    throw invalid(`${dir} is not a whole backup: ${messageOf(error)}`)
  }
  const { manifest, sha256 } = parsed(text)
  if (manifest === undefined || sha256 !== ownDigest(manifest))
    throw invalid(`${dir}/${manifestFile} is damaged`)
  if (manifest.format !== format)
    throw invalid(`${dir} has format ${manifest.format}; this version reads ${format}`)
  return manifest
}

export function invalid(message: string): TidemarkError {
  return new TidemarkError('TIDEMARK_BACKUP_INVALID', message, { exitCode: 2 })
}

function parsed(text: string): { readonly manifest?: Manifest; readonly sha256?: string } {
  try {
    return (JSON.parse(text) ?? {}) as { manifest?: Manifest; sha256?: string }
  } catch {
    return {}
  }
}

function ownDigest(manifest: Manifest): string {
  return createHash('sha256').update(JSON.stringify(manifest)).digest('hex')
}
