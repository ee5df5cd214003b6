import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { backUp } from '../../backup/back-up.ts'
import { backedUpFiles, manifestFile } from '../../backup/manifest.ts'
import { restore } from '../../backup/restore.ts'
import { WriteHold } from '../../backup/write-hold.ts'
import { silentLogger } from '../../lib/logger.ts'
import { lockDataDir, restoringFile } from '../../log/data-dir-lock.ts'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import { DuckDbStore } from '../../storage/duckdb-store.ts'
import { batchOf } from '../support/reading-batches.ts'
import { smallDisk, smallDiskAvailable } from '../support/small-disk.ts'
import { tempDir } from '../support/temp-dir.ts'

const mib = 1024 * 1024
const { signal } = new AbortController()
const release = async () => undefined

/** A data directory with some records in the log, `megabytes` of them large, readings and a token; nothing has it open. */
async function newDataDir(megabytes = 0): Promise<string> {
  const dataDir = join(tempDir(), 'data')
  lockDataDir(dataDir)()
  const log = await openLmdbLog({ path: join(dataDir, 'log') })
  await log.appendIngress(Buffer.from('first'), 1)
  await log.transaction((tx) => void tx.append('readings', Buffer.from('second'), 1))
  await log.transaction((tx) => void tx.append('audit', Buffer.from('third'), 1))
  for (let i = 0; i < megabytes * 5; i++) {
    await log.transaction((tx) => void tx.append('readings', Buffer.alloc(mib / 5, i), 1))
  }
  await log.close()
  const store = newStore(dataDir)
  await store.open()
  await store.write([batchOf([{ device: 'a', type: 'smart_meter', time: 1, values: { power_w: 5 } }])])
  await store.close()
  writeFileSync(join(dataDir, 'admin-token'), 'secret\n')
  return dataDir
}

function newStore(dataDir: string): DuckDbStore {
  return new DuckDbStore({ path: join(dataDir, 'readings.duckdb'), memoryLimitMb: 64 })
}

async function newBackup(dataDir: string): Promise<string> {
  const dir = join(tempDir(), 'backup')
  await backUp({ dataDir, dir, release, signal })
  return dir
}

test('a restored copy holds what the data directory held, for its user alone', async () => {
  const dir = await newBackup(await newDataDir())
  const dataDir = join(tempDir(), 'restored')
  expect(await restore(dir, dataDir)).toMatchObject({ files: 4 })
  const log = await openLmdbLog({ path: join(dataDir, 'log') })
  const limits = { entriesMax: 10, bytesMax: mib }
  expect(log.read('ingress', 0, limits).map(({ value }) => String(value))).toEqual(['first'])
  expect(log.read('readings', 0, limits).map(({ value }) => String(value))).toEqual(['second'])
  expect(log.read('audit', 0, limits).map(({ value }) => String(value))).toEqual(['third'])
  await log.close()
  const store = newStore(dataDir)
  await store.open()
  expect(await store.latest({ device: 'a', type: 'smart_meter' })).toEqual({ power_w: { value: 5, time: 1 } })
  await store.close()
  expect(readFileSync(join(dataDir, 'admin-token'), 'utf8')).toBe('secret\n')
  for (const root of [dir, dataDir]) {
    expect(statSync(root).mode & 0o777).toBe(0o700)
    expect(statSync(join(root, 'log/ingress')).mode & 0o777).toBe(0o700)
    for (const { path } of backedUpFiles) {
      if (existsSync(join(root, path))) expect(statSync(join(root, path)).mode & 0o777, path).toBe(0o600)
    }
  }
  expect(readdirSync(dataDir).sort()).toEqual(['admin-token', 'log', 'readings.duckdb'])
})

test.each([manifestFile, 'log/main/data.mdb', 'log/ingress/data.mdb', 'readings.duckdb', 'admin-token'])(
  'a flipped bit in %s is found, and nothing is left of the restore',
  async (file) => {
    const dir = await newBackup(await newDataDir())
    const bytes = readFileSync(join(dir, file))
    // In the manifest, a digit of the year, which nothing else is compared with.
    const at = file === manifestFile ? bytes.indexOf('createdAt') + 13 : Math.floor(bytes.length / 2)
    bytes[at]! ^= 1
    writeFileSync(join(dir, file), bytes)
    const dataDir = join(tempDir(), 'restored')
    await expect(restore(dir, dataDir)).rejects.toMatchObject({
      code: 'TIDEMARK_BACKUP_INVALID',
      exitCode: 2,
    })
    expect(existsSync(dataDir) ? readdirSync(dataDir) : []).toEqual([])
  },
)

test('a file that is longer than it was, and one that is gone, are found', async () => {
  const dir = await newBackup(await newDataDir())
  appendFileSync(join(dir, 'readings.duckdb'), 'x')
  await expect(restore(dir, join(tempDir(), 'x'))).rejects.toMatchObject({ code: 'TIDEMARK_BACKUP_INVALID' })
  await expect(restore(tempDir(), join(tempDir(), 'x'))).rejects.toMatchObject({
    code: 'TIDEMARK_BACKUP_INVALID',
  })
})

test('a backup goes only into a folder that is new or empty, and a restore too', async () => {
  const dataDir = await newDataDir()
  const full = { code: 'TIDEMARK_BACKUP_DIR', exitCode: 2 }
  await expect(backUp({ dataDir, dir: dataDir, release, signal })).rejects.toMatchObject(full)
  const empty = tempDir()
  await backUp({ dataDir, dir: empty, release, signal })
  await expect(backUp({ dataDir, dir: empty, release, signal })).rejects.toMatchObject(full)
  await mkdir(`${empty}2.partial`)
  await expect(backUp({ dataDir, dir: `${empty}2`, release, signal })).rejects.toMatchObject(full)
  await rmdir(`${empty}2.partial`)
  const target = { code: 'TIDEMARK_RESTORE_TARGET', exitCode: 2 }
  await expect(restore(empty, dataDir)).rejects.toMatchObject(target)
  expect(readFileSync(join(dataDir, 'admin-token'), 'utf8')).toBe('secret\n')
  const used = join(tempDir(), 'used')
  onTestFinished(lockDataDir(used))
  await expect(restore(empty, used)).rejects.toMatchObject({ code: 'TIDEMARK_DATA_DIR_IN_USE' })
})

test('a hold that ended before everything was copied leaves no backup', async () => {
  const dir = join(tempDir(), 'backup')
  const lost = () => Promise.reject(new Error('nothing is held'))
  await expect(backUp({ dataDir: await newDataDir(), dir, release: lost, signal })).rejects.toMatchObject({
    code: 'TIDEMARK_BACKUP_FAILED',
  })
  expect([existsSync(dir), existsSync(`${dir}.partial`)]).toEqual([false, false])
})

test('no platform starts on a data directory whose restore was killed', () => {
  const dataDir = tempDir()
  writeFileSync(join(dataDir, restoringFile), '')
  expect(() => lockDataDir(dataDir)).toThrow('whose restore did not end')
})

test.runIf(smallDiskAvailable())('a backup and a restore that find no room leave nothing', async () => {
  const dataDir = await newDataDir(12)
  const disk = smallDisk(4 * mib)
  const dir = join(disk.path, 'backup')
  await expect(backUp({ dataDir, dir, release, signal })).rejects.toMatchObject({
    code: 'TIDEMARK_BACKUP_FAILED',
  })
  expect(readdirSync(disk.path)).toEqual([])
  const target = join(disk.path, 'restored')
  await expect(restore(await newBackup(dataDir), target)).rejects.toMatchObject({
    code: 'TIDEMARK_RESTORE_FAILED',
  })
  expect(readdirSync(target)).toEqual([])
})

test('while it is held the embedded store changes none of its files, answers, and stores afterwards', async () => {
  const dataDir = await newDataDir()
  const store = newStore(dataDir)
  await store.open()
  onTestFinished(() => store.close())
  const retention = { keepsIngress: false }
  const log = { forgetDeadReaders: () => undefined }
  const hold = new WriteHold({ log, logger: silentLogger, retention, store })
  const ended: string[] = []
  const end = await hold.take(() => ended.push('first'))
  expect(retention.keepsIngress).toBe(true)
  expect(await hold.take(() => ended.push('second'))).toBeUndefined()
  const files = () =>
    ['readings.duckdb', 'readings.duckdb.wal'].map((name) =>
      existsSync(join(dataDir, name)) ? readFileSync(join(dataDir, name)).toString('base64') : '',
    )
  const before = files()
  const writing = store.write([
    batchOf([{ device: 'a', type: 'smart_meter', time: 2, values: { power_w: 6 } }]),
  ])
  const newest = () => store.latest({ device: 'a', type: 'smart_meter' })
  expect(await newest()).toEqual({ power_w: { value: 5, time: 1 } })
  expect(files()).toEqual(before)
  end!()
  end!()
  expect(await writing).toEqual({ kind: 'done', rejected: [] })
  expect(await newest()).toEqual({ power_w: { value: 6, time: 2 } })
  expect(files()).not.toEqual(before)
  expect([ended, retention.keepsIngress, hold.end()]).toEqual([['first'], false, false])
})

test('a hold ends by itself after its limit, and with the store', async () => {
  const store = newStore(await newDataDir())
  await store.open()
  const log = { forgetDeadReaders: () => undefined }
  const hold = new WriteHold({
    ...{ log, logger: silentLogger, retention: { keepsIngress: false }, store, holdMsMax: 20 },
  })
  await new Promise<void>((resolve) => void hold.take(resolve))
  await store.hold()
  await store.close()
  hold.stop()
  expect(await hold.take(() => undefined)).toBeUndefined()
})
