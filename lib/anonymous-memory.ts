import { readFileSync } from 'node:fs'

const anonymousLine = /^RssAnon:\s+(\d+) kB$/m

/**
 * Bytes of memory that are this process's own: neither programs nor mapped files, which the kernel takes back when it needs them. Undefined
 * where the system does not tell (other than Linux). Source: proc_pid_status(5), `RssAnon`.
 */
export function anonymousMemoryBytes(statusFile = '/proc/self/status'): number | undefined {
  try {
    const kibibytes = anonymousLine.exec(readFileSync(statusFile, 'latin1'))?.[1]
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
  } catch {
    return undefined
  }
}
