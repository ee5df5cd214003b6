import { randomAt } from '../../lib/prng.ts'
import { type DeviceModel, dayMs, dayOf, epochMs, hourMs, hourOfDay, round, signalKey } from './model.ts'

/**
 * dT/dt = (Ta − T)/τ − on · d/τ + door · (Ta − T)/600 s, thermostat from 3 to 5 °C: undisturbed, the compressor is on for
 * about 20 min and off for about 40.
 */
const ambientC = 22
const tauMs = 6 * hourMs
const doorTauMs = 600_000
const coolingK = 55
const lowC = 3
const highC = 5

/** Once a day, in the early morning, it is filled: the door stands open for two minutes and what comes in is warm. */
const fillingMs = 120_000
const filledC = 5.5
/** The door opens at most once an hour by day, briefly. */
const doorFromHour = 7
const doorToHour = 23
const doorChance = 0.6
const doorMs = { least: 5_000, most: 45_000 } as const

interface State {
  readonly temperatureC: number
  readonly isOn: boolean
}

/**
 * A fridge that is used. After a filling its state is always the same, so that the state at any time is worked out from
 * the last one, exactly, from one switching to the next.
 */
export const fridge: DeviceModel = {
  name: 'fridge',
  type: 'fridge',
  description: 'fridge with thermostat, compressor and door',
  intervalMs: 60_000,
  faults: [],
  parameters: {},
  create: (seed, id) => {
    const doorKey = signalKey(seed, id, 'door')
    const fillingAtMs = Math.round((6.1 + 0.9 * randomAt(signalKey(seed, id, 'filling'), 0)) * hourMs)
    return {
      id,
      type: 'fridge',
      valuesAt: (timeMs) => {
        const filledMs = epochMs + dayOf(timeMs - fillingAtMs) * dayMs + fillingAtMs
        const nextFillingMs = filledMs + dayMs - fillingMs
        const isFilling = timeMs >= nextFillingMs
        const before = stateAt(doorKey, filledMs, isFilling ? nextFillingMs : timeMs)
        const { temperatureC, isOn } = isFilling ? filling(before, timeMs - nextFillingMs) : before
        return {
          temperature_c: round(temperatureC, 3),
          compressor_on: isOn,
          door_open: isFilling || doorAt(doorKey, timeMs).isOpen,
          power_w: isOn ? 90 : 2,
        }
      },
    }
  },
}

function filling({ temperatureC, isOn }: State, forMs: number): State {
  const now = temperatureC + (filledC - temperatureC) * (forMs / fillingMs)
  return { temperatureC: now, isOn: isOn || now >= highC }
}

/** The state at `toMs`, some time of the day that follows the filling which ended at `fromMs`. */
function stateAt(doorKey: number, fromMs: number, toMs: number): State {
  let temperatureC = filledC
  let isOn = true
  for (let nowMs = fromMs; nowMs < toMs; ) {
    const door = doorAt(doorKey, nowMs)
    const ratePerMs = 1 / tauMs + (door.isOpen ? 1 / doorTauMs : 0)
    const finalC = ambientC - (isOn ? coolingK / tauMs / ratePerMs : 0)
    const limitC = isOn ? lowC : highC
    const untilLimitMs = timeBetween(temperatureC, limitC, finalC, ratePerMs)
    const stepMs = Math.min(door.untilMs, toMs) - nowMs
    if (untilLimitMs <= stepMs) {
      temperatureC = limitC
      isOn = !isOn
      nowMs += untilLimitMs
    } else {
      temperatureC = finalC + (temperatureC - finalC) * Math.exp(-ratePerMs * stepMs)
      nowMs += stepMs
    }
  }
  return { temperatureC, isOn }
}

/** Time from one temperature to another on the way to `finalC`; Infinity when that way does not pass it. */
function timeBetween(fromC: number, toC: number, finalC: number, ratePerMs: number): number {
  const ratio = (fromC - finalC) / (toC - finalC)
  return ratio >= 1 ? Math.log(ratio) / ratePerMs : Number.POSITIVE_INFINITY
}

/** Whether the door is open, and until when that is known to last. */
function doorAt(key: number, timeMs: number): { isOpen: boolean; untilMs: number } {
  const slot = Math.floor(timeMs / hourMs)
  const endMs = (slot + 1) * hourMs
  const hour = hourOfDay(slot * hourMs)
  const opensByDay = hour >= doorFromHour && hour < doorToHour
  if (!opensByDay || randomAt(key, slot * 3) >= doorChance) return { isOpen: false, untilMs: endMs }
  const opensMs = slot * hourMs + Math.round((hourMs - doorMs.most) * randomAt(key, slot * 3 + 1))
  const closesMs =
    opensMs + Math.round(doorMs.least + (doorMs.most - doorMs.least) * randomAt(key, slot * 3 + 2))
  if (timeMs < opensMs) return { isOpen: false, untilMs: opensMs }
  return timeMs < closesMs ? { isOpen: true, untilMs: closesMs } : { isOpen: false, untilMs: endMs }
}
