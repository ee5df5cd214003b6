import { spawnSync } from 'node:child_process'
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { brokenBuild } from '../support/broken-build.ts'
import { repositoryRoot } from '../support/platform-process.ts'
import { smallDisk, smallDiskAvailable } from '../support/small-disk.ts'
import { tempDir } from '../support/temp-dir.ts'

const records = 5_000
const trimmed = 4_900
const environments = ['main', 'ingress']
const built = join(repositoryRoot, 'dist')

test('the first transaction on a copy may free a thousand pages', () => {
  const { status, told } = trimmedCopy(built)
  expect(status).toBe(0)
  expect(JSON.parse(told)).toEqual({ left: records - trimmed, first: trimmed, next: records })
})

test('the same is seen to end the process where the copy has no free page', () => {
  const dir = tempDir()
  brokenBuild(dir, 'log/lmdb-copy.js', 'await freeOnePage(join(to, name));', '')
  const { status, told } = trimmedCopy(join(dir, 'dist'))
  // By an assertion, a segmentation fault or a refused transaction: whatever lies in memory behind a page decides.
  expect(status).not.toBe(0)
  expect(told).toBe('')
})

test.runIf(smallDiskAvailable())('a copy that leaves no room for a transaction is an error', () => {
  const dir = newLog(built)
  expect(copied(built, dir, join(dir, 'copy'))).toEqual({ status: 0, told: '' })
  const bytes = environments.map((name) => statSync(join(dir, 'copy', name, 'data.mdb')).size)
  const disk = smallDisk(16 * 1024 * 1024)
  disk.fill(bytes.reduce((a, b) => a + b) + 4_096)
  expect(copied(built, dir, join(disk.path, 'copy'))).toEqual({
    status: 0,
    told: 'No space left on device\n',
  })
})

/** What is left of a copy of `ingress` of which most is trimmed as soon as it is open. */
function trimmedCopy(dist: string) {
  const dir = newLog(dist)
  copied(dist, dir, join(dir, 'copy'))
  return run(
    dir,
    `const { openLmdbLog } = await import('${dist}/log/lmdb-log.js')
    const copy = await openLmdbLog({ path: 'copy' })
    await copy.trim('ingress', ${trimmed})
    const rest = copy.read('ingress', 0, { entriesMax: ${records}, bytesMax: 1e9 })
    const next = await copy.appendIngress(Buffer.from('next'), 1)
    await copy.close()
    console.log(JSON.stringify({ left: rest.length, first: Number(rest[0].value), next }))`,
  )
}

/** A folder with a log in it, of many commits: the first ones of all are safe. */
function newLog(dist: string): string {
  const dir = tempDir()
  const { status } = run(
    dir,
    `const { openLmdbLog } = await import('${dist}/log/lmdb-log.js')
    const log = await openLmdbLog({ path: 'log' })
    const append = (i) => log.appendIngress(Buffer.from(String(i).padEnd(1_000)), 1)
    for (let i = 0; i < ${records}; i += 100) await Promise.all(Array.from({ length: 100 }, (_, j) => append(i + j)))
    await log.close()`,
  )
  expect(status).toBe(0)
  return dir
}

/** Copies the log in `dir`; what is told is the error. */
function copied(dist: string, dir: string, to: string) {
  for (const name of environments) mkdirSync(join(to, name), { recursive: true })
  return run(
    dir,
    `const { copyLog } = await import('${dist}/log/lmdb-copy.js')
    await copyLog('log', '${to}').catch(({ message }) => console.log(message))`,
  )
}

/** In a process of its own, as LMDB may end it. */
function run(cwd: string, script: string) {
  const args = ['--input-type=module', '-e', script]
  const { status, stdout } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' })
  return { status, told: stdout }
}
