import { readFileSync } from 'node:fs'

/** MiB of a process that are not pages of files: LMDB's mapped pages would count with its resident size. */
export function anonymousMib(pid: number): number {
  const [, kib] = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Math.round(Number(kib) / 1024)
}

const ticksPerSecond = 100

/** Of all its threads, in user and kernel mode, so far. proc_pid_stat(5); a tick is a hundredth on every Linux that Node runs on. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}
