import { join } from 'node:path'
import { influxdAvailable, startInfluxd } from '../../bench/services/influxd.ts'
import { silentLogger } from '../../lib/logger.ts'
import { DuckDbStore } from '../../storage/duckdb-store.ts'
import { InfluxStore } from '../../storage/influx-store.ts'
import type { ReadingStore } from '../../storage/reading-store.ts'
import { newTempDir } from '../support/temp-dir.ts'

/** An implementation of the port with a real database behind it. */
export interface Subject {
  readonly store: ReadingStore
  /** Closes the store and opens it again on the same data. */
  reopen(): Promise<ReadingStore>
  close(): Promise<void>
}

async function duckdb(): Promise<Subject> {
  const dir = newTempDir()
  const open = async () => {
    const store = new DuckDbStore({ path: join(dir.path, 'readings.duckdb'), memoryLimitMb: 128 })
    await store.open()
    return store
  }
  let store = await open()
  return {
    store,
    reopen: async () => {
      await store.close()
      store = await open()
      return store
    },
    close: async () => {
      await store.close()
      dir.remove()
    },
  }
}

async function influxdb(): Promise<Subject> {
  const influxd = await startInfluxd()
  const open = async () => {
    const store = new InfluxStore({ url: influxd.url, version: 'auto', bucket: 'tidemark' }, silentLogger)
    await store.open()
    return store
  }
  return {
    store: await open(),
    reopen: async () => {
      await influxd.stop()
      await influxd.start()
      return open()
    },
    close: () => influxd.remove(),
  }
}

export const subjects = [
  ['DuckDB', duckdb, true],
  ['InfluxDB', influxdb, influxdAvailable()],
] as const
