import type { Logger } from '../lib/logger.ts'
import type { DuckDbStoreOptions } from './duckdb-store.ts'
import type { InfluxStoreOptions } from './influx-store.ts'
import type { ReadingStore } from './reading-store.ts'

export type StoreConfig =
  | ({ readonly kind: 'duckdb' } & DuckDbStoreOptions)
  | ({ readonly kind: 'influxdb' } & InfluxStoreOptions)

/** The store that the configuration asks for, not yet opened. The other is not loaded: DuckDB takes 20 MiB before its first query. */
export async function createStore(config: StoreConfig, logger: Logger): Promise<ReadingStore> {
  if (config.kind === 'duckdb') {
    const { DuckDbStore } = await import('./duckdb-store.ts')
    return new DuckDbStore(config)
  }
  const { InfluxStore } = await import('./influx-store.ts')
  return new InfluxStore(config, logger)
}
