import { delay } from '../../lib/clock.ts'

export interface RampOptions {
  /** Connections a second, by schedule; fewer when the broker is slower than that. */
  readonly connectRate: number
  /** How many may be on their way at once: more would only wait in the broker's queue and time out there. */
  readonly atOnceMax: number
  readonly signal: AbortSignal
  readonly onConnecting?: ((connected: number) => void) | undefined
}

export interface Ramp {
  /** By index of what was given: ms from the attempt to CONNACK, the error of a refusal, undefined when it was not tried. */
  readonly outcomes: readonly (number | Error | undefined)[]
  readonly seconds: number
}

const tickMs = 2

/** Connects one after another at a rate. Resolves when each is connected or refused, after an interruption when those begun are. */
export async function connectionRamp(
  connects: readonly (() => Promise<void>)[],
  { connectRate, atOnceMax, signal, onConnecting }: RampOptions,
): Promise<Ramp> {
  const outcomes: (number | Error | undefined)[] = connects.map(() => undefined)
  const startedAt = performance.now()
  let [begun, settled, connected] = [0, 0, 0]
  const begin = async (index: number) => {
    const begunAt = performance.now()
    try {
      await connects[index]!()
      outcomes[index] = performance.now() - begunAt
      connected++
    } catch (error) {
      outcomes[index] = error as Error
    }
    settled++
  }
  while (settled < begun || (begun < connects.length && !signal.aborted)) {
    const due = signal.aborted
      ? begun
      : 1 + Math.floor(((performance.now() - startedAt) / 1000) * connectRate)
    while (begun < Math.min(due, connects.length) && begun - settled < atOnceMax) void begin(begun++)
    onConnecting?.(connected)
    await delay(tickMs)
  }
  return { outcomes, seconds: (performance.now() - startedAt) / 1000 }
}
