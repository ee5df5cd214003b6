import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repositoryRoot } from '../support/platform-process.ts'

const stores = {
  duckdb: { kind: 'duckdb', path: 'never-opened', memoryLimitMb: 64 },
  influxdb: { kind: 'influxdb', url: 'http://127.0.0.1:1', version: '1', bucket: 'b' },
}

/** Whether a process that has made such a store, from the built code, has the library of DuckDB in its memory. */
function hasDuckDb(kind: keyof typeof stores): boolean {
  const script = `
    const { readFileSync } = await import('node:fs')
    const { createStore } = await import(${JSON.stringify(join(repositoryRoot, 'dist/storage/open-store.js'))})
    await createStore(${JSON.stringify(stores[kind])}, console)
    process.stdout.write(String(readFileSync('/proc/self/maps', 'utf8').includes('duckdb')))`
  return execFileSync(process.execPath, ['--input-type=module', '-e', script]).toString() === 'true'
}

test('DuckDB is loaded where it is the store, and nowhere else', () => {
  expect(hasDuckDb('duckdb')).toBe(true)
  expect(hasDuckDb('influxdb')).toBe(false)
})
