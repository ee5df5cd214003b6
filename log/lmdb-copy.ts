import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import { diskSpace } from '../lib/disk-space.ts'

/** Beyond what a platform that goes on writing adds while it is copied. */
const mapBytesSpare = 8 * 1024 ** 3
/** More than a small transaction takes with its lock: LMDB maps that, and ends the process where there is no room for it. */
const transactionBytesMax = 256 * 1024

/**
 * Copies the two environments of the log in `from` into `to` (folders `main` and `ingress`, which exist), each as it is at one moment;
 * also of a platform that runs, in another process. Compacted: pages that are free are left out, and the writer is never waited for.
 *
 * `main` first, because its offset of ingest vouches for what `ingress` holds: the copy of `ingress` may then only be ahead. Nothing may be
 * trimmed from `ingress` meanwhile (docs/decisions/0039). Rejects with the error of LMDB, such as a full disk's.
 */
export async function copyLog(from: string, to: string): Promise<void> {
  for (const name of ['main', 'ingress'] as const) {
    const path = join(from, name)
    const mapSize = statSync(join(path, 'data.mdb')).size + mapBytesSpare
    const environment = open({ path, readOnly: true, mapSize })
    try {
      await environment.backup(join(to, name), true)
    } finally {
      await environment.close()
    }
    await freeOnePage(join(to, name))
  }
}

/**
 * Gives a compacted copy its first free page, and leaves its records as they are. Where there is none, lmdb-js 3.5 aborts the process that
 * frees many pages in its first transaction (github.com/kriszyp/lmdb-js/issues/317): on its way to room for the list of them it reads the tree
 * of such lists, which it has just begun and which has no entry yet. Retention does that to `ingress` at the first start of a restored copy.
 */
async function freeOnePage(path: string): Promise<void> {
  const room = diskSpace(path)
  if (room !== undefined && room.freeBytes < transactionBytesMax) throw new Error('No space left on device')
  const copy = open({ path, overlappingSync: false })
  try {
    // A page that is written moves, and is free where it was.
    copy.transactionSync(() => {
      copy.putSync('', '')
      copy.removeSync('')
    })
  } finally {
    await copy.close()
  }
  rmSync(join(path, 'lock.mdb'))
}
