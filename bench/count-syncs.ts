import { spawn } from 'node:child_process'

/** Counts the disk syncs of a process with strace until `end`; undefined where strace is not to be had. */
export function countSyncs(pid: number): { end(): Promise<number | undefined> } {
  const child = spawn('strace', ['-f', '-qq', '-e', 'trace=fdatasync,fsync', '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let syncs = 0
  let isMissing = false
  child.on('error', () => {
    isMissing = true
  })
  child.stderr.on('data', (chunk: Buffer) => {
    // A call that another thread interrupts is told twice; its end says `resumed`.
    syncs += chunk.toString().match(/(fdatasync|fsync)\(\d+/g)?.length ?? 0
  })
  return {
    end: async () => {
      if (isMissing) return undefined
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGINT')
      await ended
      return syncs
    },
  }
}
