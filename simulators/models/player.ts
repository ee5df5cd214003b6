import { randomAt, smoothNoise } from '../../lib/prng.ts'
import type { Fault } from '../faults/fault.ts'
import { isActive } from '../faults/fault.ts'
import { type DeviceModel, round, signalKey } from './model.ts'

/** What is left in its buffer is played first: an outage shows when that is used up. */
const bufferMs = { least: 10_000, most: 40_000 } as const
/** Now and then a player waits on its own, some minutes in each of these with this probability: a lift, a tunnel, a microwave oven. */
const ownTroubleEveryMs = 600_000
const ownTroubleChance = 0.04
const ownTroubleMs = { least: 30_000, most: 180_000 } as const
const ladderKbps = [800, 1_800, 3_500, 6_000] as const

/** A video player: how much it waits, what it plays, and how long it took to start. */
export const player: DeviceModel = {
  name: 'player',
  type: 'generic',
  description: 'video player: share of the time for which it waits, bit rate, start-up time',
  intervalMs: 30_000,
  faults: ['cdn_outage'],
  parameters: {},
  create: (seed, id, { faults = [] } = {}) => {
    const key = (signal: string) => signalKey(seed, id, signal)
    const keys = { trouble: key('trouble'), wait: key('wait'), rate: key('rate'), start: key('start') }
    const own = randomAt(key('player'), 0)
    const spareMs = Math.round(bufferMs.least + (bufferMs.most - bufferMs.least) * randomAt(key('player'), 1))
    /** Whether this outage is one of the servers that this player is fed by. */
    const meets = (fault: Fault) =>
      randomAt(signalKey(seed, id, fault.kind), 0) < fault.parameters.affected! * fault.severity
    const runsDryMs = (fault: Fault) => fault.onsetMs + spareMs
    return {
      id,
      type: 'generic',
      valuesAt: (timeMs) => {
        const isOut = faults.some(
          (fault) => isActive(fault, timeMs) && timeMs >= runsDryMs(fault) && meets(fault),
        )
        const waits = isOut || isInOwnTrouble(keys.trouble, timeMs)
        const trembling = smoothNoise(keys.wait, timeMs, 30_000)
        const rebufferPct = waits ? 55 + 12 * trembling : Math.max(0, 0.4 + 0.5 * trembling)
        const rung = Math.round(1.6 + own + 0.5 * smoothNoise(keys.rate, timeMs, 120_000))
        return {
          rebuffer_pct: round(Math.min(100, Math.max(0, rebufferPct)), 1),
          bitrate_kbps: ladderKbps[waits ? 0 : Math.min(3, Math.max(0, rung))]!,
          startup_ms: round(
            700 + 600 * own + (waits ? 2_500 : 0) + 80 * smoothNoise(keys.start, timeMs, 300_000),
            0,
          ),
        }
      },
      // Who is fed by other servers never shows it.
      consequenceOf: (fault) => ({
        detectableFromMs: meets(fault) ? Math.min(runsDryMs(fault), fault.endMs) : fault.endMs,
      }),
    }
  },
}

function isInOwnTrouble(key: number, timeMs: number): boolean {
  const slot = Math.floor(timeMs / ownTroubleEveryMs)
  if (randomAt(key, slot * 3) >= ownTroubleChance) return false
  const lastsMs = ownTroubleMs.least + (ownTroubleMs.most - ownTroubleMs.least) * randomAt(key, slot * 3 + 1)
  const fromMs = slot * ownTroubleEveryMs + (ownTroubleEveryMs - lastsMs) * randomAt(key, slot * 3 + 2)
  return timeMs >= fromMs && timeMs < fromMs + lastsMs
}
