import type { DeviceRecord } from '../domain/device.ts'
import type { Profile } from '../domain/profile.ts'
import type { ReadingBatch, SeriesOwner, Shape } from '../domain/reading-batch.ts'
import { BatchBuilder } from '../ingest/batch-builder.ts'
import { normalAt, randomAt } from '../lib/prng.ts'

/** What is usual of a metric: values swing about the mean, each near the one before. */
export interface Swing {
  readonly mean: number
  readonly deviation: number
}

/** What a device of the fleet of threshold rules sends with each reading. */
export const fleetMetrics: Readonly<Record<string, Swing>> = {
  temperature_c: { mean: 20, deviation: 1 },
  humidity_pct: { mean: 50, deviation: 4 },
  power_w: { mean: 1_000, deviation: 100 },
  voltage_v: { mean: 230, deviation: 2 },
  co_ppm: { mean: 20, deviation: 10 },
}

/** What a device of the mix sends beside: the inputs of every kind of condition. */
const bodyMetrics: Readonly<Record<string, Swing>> = {
  heart_rate_bpm: { mean: 75, deviation: 12 },
  respiration_rate_bpm: { mean: 16, deviation: 3 },
  spo2_pct: { mean: 97, deviation: 1 },
  systolic_mmhg: { mean: 125, deviation: 12 },
}

const number = { kind: 'gauge' } as const
const boolean = { kind: 'state', type: 'boolean' } as const

export const benchProfile: Profile = {
  type: 'bench',
  strict: false,
  tags: [],
  expectedInterval: '10s',
  metrics: {
    ...Object.fromEntries(
      [...Object.keys(fleetMetrics), ...Object.keys(bodyMetrics), 'battery_pct'].map((metric) => [
        metric,
        number,
      ]),
    ),
    energy_import_kwh: { kind: 'counter' },
    door_open: boolean,
    oxygen_given: boolean,
    alert: boolean,
  },
}

const seed = 42
const [devicesOfSite, devicesOfRow] = [50, 20]
/** Of a value with the one before. */
const correlation = 0.95

export interface FleetOptions {
  readonly devices: number
  /** Everything that the mix needs, or only the metrics of threshold rules. */
  readonly isMixed: boolean
  /** No value is farther from its mean than this, in standard deviations. */
  readonly deviationsMax?: number
  /** Event time of the first readings, Unix ms. */
  readonly startMs?: number
}

/** Devices that send the same readings in every run, at times that are not the clock's. */
export class RuleFleet {
  readonly devices: readonly DeviceRecord[]
  /** Of the newest readings, Unix ms. */
  timeMs: number
  readonly #options: FleetOptions
  readonly #owners: readonly SeriesOwner[]
  readonly #shape: Shape
  readonly #swings: readonly Swing[]
  readonly #levels: Float64Array
  readonly #values: Float64Array
  readonly #builder = new BatchBuilder()
  #drawn = 0
  #ticks = 0

  constructor(options: FleetOptions) {
    this.#options = options
    this.timeMs = options.startMs ?? Date.parse('2026-01-05T00:00:00Z')
    this.devices = Array.from({ length: options.devices }, (_, i) => ({
      id: `bench-${i}`,
      type: benchProfile.type,
      labels: { site: `s${Math.floor(i / devicesOfSite)}`, row: `r${Math.floor(i / devicesOfRow)}` },
      createdAt: '2026-01-01T00:00:00.000Z',
      secretHash: '',
    }))
    this.#owners = this.devices.map(({ id, type }) => ({ id, type, tags: [] }))
    this.#swings = Object.values(options.isMixed ? { ...fleetMetrics, ...bodyMetrics } : fleetMetrics)
    this.#levels = Float64Array.from({ length: options.devices * this.#swings.length }, () => this.#normal())
    const more = ['battery_pct', 'energy_import_kwh', 'door_open', 'oxygen_given', 'alert']
    this.#shape = options.isMixed
      ? {
          metrics: [...Object.keys(fleetMetrics), ...Object.keys(bodyMetrics), ...more],
          types: `${'n'.repeat(this.#swings.length + 2)}bbb`,
        }
      : { metrics: Object.keys(fleetMetrics), types: 'n'.repeat(this.#swings.length) }
    this.#values = new Float64Array(this.#shape.metrics.length)
  }

  /** One reading of each device, `afterMs` after those before. */
  next(afterMs: number): ReadingBatch {
    this.timeMs += afterMs
    this.#ticks++
    for (let i = 0; i < this.#owners.length; i++) {
      this.#fill(i)
      this.#builder.addValues(this.#values)
      this.#builder.addRow(this.#owners[i]!, this.#shape, this.timeMs, false)
      this.#builder.endMessage(this.timeMs)
    }
    return this.#builder.take()
  }

  #fill(device: number): void {
    const count = this.#swings.length
    const max = this.#options.deviationsMax ?? Number.POSITIVE_INFINITY
    for (let m = 0; m < count; m++) {
      const { mean, deviation } = this.#swings[m]!
      const at = device * count + m
      const level = correlation * this.#levels[at]! + Math.sqrt(1 - correlation ** 2) * this.#normal()
      this.#levels[at] = level
      this.#values[m] = mean + deviation * Math.max(-max, Math.min(max, level))
    }
    if (!this.#options.isMixed) return
    this.#values[count] = 90 - this.#ticks / 1_000
    this.#values[count + 1] = 1_000 + this.#ticks / 100
    this.#values[count + 2] = randomAt(seed, this.#drawn++) < 0.02 ? 1 : 0
    this.#values[count + 3] = 0
    this.#values[count + 4] = 1
  }

  #normal(): number {
    return normalAt(seed, this.#drawn++)
  }
}

/** The same readings, `ms` later. */
export function later(batch: ReadingBatch, ms: number): ReadingBatch {
  return { ...batch, receivedAt: batch.receivedAt + ms, time: batch.time.map((time) => time + ms) }
}
