import { spawn } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { lockDataDir } from '../../log/data-dir-lock.ts'
import { tempDir } from '../support/temp-dir.ts'

const inUse = expect.objectContaining({ code: 'TIDEMARK_DATA_DIR_IN_USE' })
const lockFile = (dir: string) => join(dir, 'tidemark.lock')
const startTicks = (pid: number) => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

test('is made with what it needs, for its owner only, and refused until it is released', () => {
  const dir = join(tempDir(), 'a', 'b')
  const unlock = lockDataDir(dir)
  expect(statSync(dir).mode & 0o777).toBe(0o700)
  expect(statSync(lockFile(dir)).mode & 0o777).toBe(0o600)
  expect(() => lockDataDir(dir)).toThrow(inUse)
  unlock()
  expect(existsSync(lockFile(dir))).toBe(false)
  lockDataDir(dir)()
})

test.runIf(process.platform === 'linux')(
  'of a process that is gone, or whose number another has now, is taken',
  async () => {
    const dir = tempDir()
    const other = spawn('sleep', ['60'])
    onTestFinished(() => void other.kill('SIGKILL'))
    const pid = other.pid!
    writeFileSync(lockFile(dir), JSON.stringify({ pid, startedAt: startTicks(pid) }))
    expect(() => lockDataDir(dir)).toThrow(inUse)
    writeFileSync(lockFile(dir), JSON.stringify({ pid, startedAt: '1' }))
    lockDataDir(dir)()

    writeFileSync(lockFile(dir), JSON.stringify({ pid, startedAt: startTicks(pid) }))
    const ended = new Promise((resolve) => other.once('exit', resolve))
    other.kill('SIGKILL')
    await ended
    lockDataDir(dir)()
  },
)

test.each(['', '{', '{"pid":"x"}', 'null'])('left half written (%j) is taken', (content) => {
  const dir = tempDir()
  writeFileSync(lockFile(dir), content)
  lockDataDir(dir)()
})

test('in a folder that cannot be is refused with exit code 2', () => {
  const file = join(tempDir(), 'file')
  writeFileSync(file, '')
  for (const dir of [file, join(file, 'below')]) {
    expect(() => lockDataDir(dir)).toThrow(
      expect.objectContaining({ code: 'TIDEMARK_DATA_DIR', exitCode: 2 }),
    )
  }
})
