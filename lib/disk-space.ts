import { statfsSync } from 'node:fs'

export interface DiskSpace {
  /** What a user who is not root may still take. */
  readonly freeBytes: number
  readonly totalBytes: number
}

/** Of the file system of `path`; undefined where it tells nothing, as some do. Throws as statfs(2) does. */
export function diskSpace(path: string): DiskSpace | undefined {
  const { blocks, bavail, bsize } = statfsSync(path)
  return blocks === 0 ? undefined : { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
}
