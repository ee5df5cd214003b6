import { readFileSync } from 'node:fs'

/** MiB of a process that are not pages of files: LMDB's mapped pages would count with its resident size. */
export function anonymousMib(pid: number): number {
  const [, kib] = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Math.round(Number(kib) / 1024)
}
