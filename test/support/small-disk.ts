import { execFileSync } from 'node:child_process'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { newTempDir } from './temp-dir.ts'

/** A file system of its own, small enough to be filled. */
export interface SmallDisk {
  readonly path: string
  readonly freeBytes: number
  /** Leaves `bytes` free and takes the rest. */
  fill(bytes?: number): void
  /** Gives back what `fill` took. */
  empty(): void
}

/** Whether a tmpfs can be mounted here: only root may. */
export function smallDiskAvailable(): boolean {
  const isRoot = process.platform === 'linux' && process.getuid?.() === 0
  if (!isRoot)
    process.stderr.write('skipping the tests on a full disk: mounting a tmpfs needs root on Linux\n')
  if (!isRoot) return false
  const probe = newTempDir()
  try {
    mount(probe.path, 64 * 1024)
    execFileSync('umount', [probe.path])
    return true
  } catch {
    process.stderr.write('skipping the tests on a full disk: a tmpfs cannot be mounted here\n')
    return false
  } finally {
    probe.remove()
  }
}

/** Mounts a tmpfs of `bytes`, unmounted when the test ends. Stop what uses it before: hooks run newest first. */
export function smallDisk(bytes: number): SmallDisk {
  const dir = newTempDir()
  mount(dir.path, bytes)
  onTestFinished(() => {
    execFileSync('umount', ['--lazy', dir.path])
    dir.remove()
  })
  const ballast = join(dir.path, 'ballast')
  const freeBytes = () => {
    const { bavail, bsize } = statfsSync(dir.path)
    return bavail * bsize
  }
  return {
    path: dir.path,
    get freeBytes() {
      return freeBytes()
    },
    fill: (left = 0) => {
      try {
        writeFileSync(ballast, Buffer.alloc(Math.max(0, freeBytes() - left)), { flag: 'a' })
      } catch (error) {
        // Another took the last of it meanwhile: it is full.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    },
    empty: () => rmSync(ballast, { force: true }),
  }
}

function mount(path: string, bytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path], { stdio: 'pipe' })
}
