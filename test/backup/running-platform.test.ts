import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runCli, startCli } from '../cli/cli.ts'
import { changedBuild } from '../support/broken-build.ts'
import { adminToken, startPlatformProcess } from '../support/platform-process.ts'
import { tempDir } from '../support/temp-dir.ts'

/** What `tidemark backup` does beside a platform that runs. */

const copies = `for (const name of ['main', 'ingress']) {`
/** Each of these tests starts some processes, one after the other. */
const processesMs = 120_000
const token = ['--token', adminToken]

async function started() {
  const platform = await startPlatformProcess(tempDir())
  onTestFinished(async () => void (await platform.end('SIGKILL')))
  const api = ['--api', platform.httpUrl, ...token]
  const dir = join(tempDir(), 'backup')
  return { platform, dir, args: ['backup', dir, '--data-dir', platform.dataDir, ...api] }
}

/** A backup that stands still, once `main` is copied, until `signal` comes. */
async function standing(dir: string, args: readonly string[], signal: 'SIGINT' | 'SIGUSR2') {
  const still = `if (name === 'ingress') await new Promise((resolve) => {
    const timer = setTimeout(resolve, 600_000);
    process.once('${signal}', () => resolve(clearTimeout(timer)));
    import('node:fs').then(({ writeFileSync }) => writeFileSync(join(to, 'standing'), ''));
  });`
  const backup = startCli(args, { main: changedBuild(tempDir(), 'log/lmdb-copy.js', copies, copies + still) })
  const isStanding = () => existsSync(join(`${dir}.partial`, 'log/standing'))
  await expect.poll(isStanding, { timeout: 60_000 }).toBe(true)
  return backup
}

test(
  'a backup that is killed leaves nothing that can be restored, and the platform stores again',
  async () => {
    const { platform, dir, args } = await started()
    const backup = await standing(dir, args, 'SIGUSR2')
    const second = await runCli(['backup', `${dir}2`, ...args.slice(2)])
    expect(second.stderr).toContain('TIDEMARK_BACKUP_RUNNING')
    backup.child.kill('SIGKILL')
    await backup.ended
    expect(existsSync(dir)).toBe(false)
    const restored = await runCli(['restore', `${dir}.partial`, '--data-dir', join(tempDir(), 'restored')])
    expect(restored.exitCode).toBe(2)
    expect(restored.stderr).toContain('TIDEMARK_BACKUP_INVALID')
    const free = () => runCli(['backup', `${dir}3`, ...args.slice(2)]).then(({ exitCode }) => exitCode)
    await expect.poll(free, { timeout: 20_000 }).toBe(0)
    expect(await platform.end('SIGTERM')).toBe(0)
  },
  processesMs,
)

test(
  'an interrupted backup takes away what it made, and exits with 130',
  async () => {
    const { dir, args } = await started()
    const backup = await standing(dir, args, 'SIGINT')
    backup.child.kill('SIGINT')
    expect(await backup.ended).toMatchObject({ exitCode: 130 })
    expect(readdirSync(join(dir, '..'))).toEqual([])
  },
  processesMs,
)

test(
  'a platform that is stopped in the middle of a backup stops in time, and the backup fails',
  async () => {
    const { platform, dir, args } = await started()
    const backup = await standing(dir, args, 'SIGUSR2')
    expect(await platform.end('SIGTERM')).toBe(0)
    await platform.restart()
    backup.child.kill('SIGUSR2')
    const { exitCode, stderr } = await backup.ended
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('TIDEMARK_BACKUP_HOLD')])
    expect(readdirSync(join(dir, '..'))).toEqual([])
  },
  processesMs,
)

test(
  'a backup of another data directory than the platform has is refused, and so is one of none',
  async () => {
    const { dir, args } = await started()
    const other = await startPlatformProcess(tempDir())
    onTestFinished(async () => void (await other.end('SIGKILL')))
    const crossed = await runCli(['backup', dir, '--data-dir', other.dataDir, ...args.slice(4)])
    expect([crossed.exitCode, crossed.stderr]).toEqual([2, expect.stringContaining('TIDEMARK_BACKUP_SOURCE')])
    const none = await runCli(['backup', dir, '--data-dir', tempDir(), ...args.slice(4)])
    expect([none.exitCode, none.stderr]).toEqual([2, expect.stringContaining('it has no log')])
    expect(readdirSync(join(dir, '..'))).toEqual([])
  },
  processesMs,
)
