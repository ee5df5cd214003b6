import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { expect, test } from 'vitest'
import { builtMain } from '../support/platform-process.ts'
import { watched } from './cli.ts'

const args = [builtMain, 'simulate', 'list']

test.skipIf(!existsSync('/dev/full'))(
  'what cannot be printed is an error of one line: exit code 2',
  async () => {
    const full = openSync('/dev/full', 'w')
    const { ended } = watched(spawn(process.execPath, args, { stdio: ['ignore', full, 'pipe'] }))
    const { exitCode, stderr } = await ended
    closeSync(full)
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(
      /^tidemark: standard output cannot be written: ENOSPC.*\(TIDEMARK_OUT_INVALID\)\n$/,
    )
  },
)

test('a command whose reader has gone ends quietly with 0', async () => {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  expect(await watched(child).ended).toEqual({ exitCode: 0, stdout: '', stderr: '' })
})
