import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { tempDir } from './temp-dir.ts'

/** Far longer than strace takes to let go of a process that lives. */
const detachMsMax = 10_000

/** Whether system calls can be made to fail here; with CI=true its absence is a failure. */
export function straceAvailable(): boolean {
  const found = spawnSync('strace', ['-V']).status === 0
  if (!found && process.env.CI === 'true') throw new Error('strace is not installed')
  if (!found) process.stderr.write('skipping the tests of failing system calls: strace is not on the PATH\n')
  return found
}

/** Flags of strace with which each of `calls` fails with `error`. */
export function failing(calls: readonly string[], error: string): string[] {
  const list = calls.join(',')
  // Not `when=`, which counts each thread for itself: always, for a time.
  return ['-f', '-e', `trace=${list}`, '-e', `inject=${list}:error=${error}`]
}

/** Makes every one of these calls of the process fail until `end`, which resolves with how many did. */
export async function failCalls(
  pid: number,
  calls: readonly string[],
  error: string,
): Promise<{ end(): Promise<number> }> {
  const output = join(tempDir(), 'strace')
  const strace = spawn('strace', [...failing(calls, error), '-p', String(pid), '-o', output], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  strace.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const ended = new Promise((resolve) => strace.once('exit', resolve))
  const detach = async () => {
    strace.kill('SIGINT')
    // Where the process dies while it lets go of one thread after the other, strace waits for ever, and with it whoever ended the process.
    const killing = setTimeout(() => strace.kill('SIGKILL'), detachMsMax)
    await ended
    clearTimeout(killing)
  }
  onTestFinished(detach)
  await expect.poll(() => said, { timeout: 30_000 }).toContain('attached')
  return {
    end: async () => {
      await detach()
      return readFileSync(output, 'utf8').split('(INJECTED)').length - 1
    },
  }
}
