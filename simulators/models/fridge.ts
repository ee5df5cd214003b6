import { randomAt } from '../../lib/prng.ts'
import { type DeviceModel, round, signalKey } from './model.ts'

/** dT/dt = (Ta − T)/τ − on·d/τ, between 3 and 5 °C: with these it is on for about 20 min and off for about 40. */
const ambientC = 22
const tauMs = 6 * 3_600_000
const coolingK = 55
const lowC = 3
const highC = 5

/** Times of the exponential approach from one switching point to the other. */
const offMs = tauMs * Math.log((ambientC - lowC) / (ambientC - highC))
const coldC = ambientC - coolingK
const onMs = tauMs * Math.log((highC - coldC) / (lowC - coldC))
export const fridgeCycle = { onMs, offMs } as const

const doorEveryMs = 30 * 60_000

/** A fridge in its limit cycle, in closed form, so that any time can be asked for; the door opens now and then, briefly. */
export const fridge: DeviceModel = {
  type: 'fridge',
  description: 'fridge with thermostat, compressor and door',
  intervalMs: 60_000,
  create: (seed, id) => {
    const phaseMs = randomAt(signalKey(seed, id, 'phase'), 0) * (onMs + offMs)
    const doorKey = signalKey(seed, id, 'door')
    return {
      id,
      type: 'fridge',
      valuesAt: (timeMs) => {
        const inCycle = (timeMs + phaseMs) % (onMs + offMs)
        const isOn = inCycle >= offMs
        const temperature = isOn
          ? coldC + (highC - coldC) * Math.exp(-(inCycle - offMs) / tauMs)
          : ambientC + (lowC - ambientC) * Math.exp(-inCycle / tauMs)
        return {
          temperature_c: round(temperature, 3),
          compressor_on: isOn,
          door_open: isDoorOpen(doorKey, timeMs),
          power_w: isOn ? 90 : 2,
        }
      },
    }
  },
}

/** In each half hour the door opens at most once, for 10 s to 2 min. */
function isDoorOpen(key: number, timeMs: number): boolean {
  const slot = Math.floor(timeMs / doorEveryMs)
  const opensAt = randomAt(key, slot * 2) * (doorEveryMs - 120_000)
  const forMs = 10_000 + 110_000 * randomAt(key, slot * 2 + 1)
  const inSlot = timeMs - slot * doorEveryMs
  return inSlot >= opensAt && inSlot < opensAt + forMs
}
