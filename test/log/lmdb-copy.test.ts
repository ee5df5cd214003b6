import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { brokenBuild } from '../support/broken-build.ts'
import { repositoryRoot } from '../support/platform-process.ts'
import { tempDir } from '../support/temp-dir.ts'

const records = 5_000
const trimmed = 4_900

test('the first transaction on a copy may free a thousand pages', () => {
  const { status, told } = trimmedCopy(join(repositoryRoot, 'dist'))
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

/** What is left of a copy of `ingress` of which most is trimmed as soon as it is open; in a process of its own, as LMDB may end it. */
function trimmedCopy(dist: string) {
  const script = `
    import { mkdirSync } from 'node:fs'
    const { openLmdbLog } = await import('${dist}/log/lmdb-log.js')
    const { copyLog } = await import('${dist}/log/lmdb-copy.js')
    const log = await openLmdbLog({ path: 'log' })
    const append = (i) => log.appendIngress(Buffer.from(String(i).padEnd(1_000)), 1)
    // In many commits: the first ones of all are safe.
    for (let i = 0; i < ${records}; i += 100) await Promise.all(Array.from({ length: 100 }, (_, j) => append(i + j)))
    for (const name of ['main', 'ingress']) mkdirSync('copy/' + name, { recursive: true })
    await copyLog('log', 'copy')
    await log.close()
    const copy = await openLmdbLog({ path: 'copy' })
    await copy.trim('ingress', ${trimmed})
    const rest = copy.read('ingress', 0, { entriesMax: ${records}, bytesMax: 1e9 })
    const next = await copy.appendIngress(Buffer.from('next'), 1)
    await copy.close()
    console.log(JSON.stringify({ left: rest.length, first: Number(rest[0].value), next }))`
  const args = ['--input-type=module', '-e', script]
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: tempDir(), encoding: 'utf8' })
  return { status, told: stdout }
}
