import type { Logger } from '../lib/logger.ts'
import { DuckDbStore, type DuckDbStoreOptions } from './duckdb-store.ts'
import { InfluxStore, type InfluxStoreOptions } from './influx-store.ts'
import type { ReadingStore } from './reading-store.ts'

export type StoreConfig =
  | ({ readonly kind: 'duckdb' } & DuckDbStoreOptions)
  | ({ readonly kind: 'influxdb' } & InfluxStoreOptions)

/** The store that the configuration asks for, not yet opened. */
export function createStore(config: StoreConfig, logger: Logger): ReadingStore {
  return config.kind === 'duckdb' ? new DuckDbStore(config) : new InfluxStore(config, logger)
}
