import { randomAt } from '../../lib/prng.ts'
import type { Consequence, Fault } from '../faults/fault.ts'
import { type DeviceModel, dayMs, epochMs, hourMs, hourOfDay, round, signalKey } from './model.ts'
import { onOrOff } from './settings.ts'

/**
 * dT/dt = (Ta − T)/τ − on · d/τ + door · (Ta − T)/600 s, thermostat from 3 to 5 °C: undisturbed, the compressor is on for
 * about 20 min and off for about 40.
 */
const usualAmbientC = 22
const tauMs = 6 * hourMs
const doorTauMs = 600_000
const fullCoolingK = 55
const lowC = 3
const highC = 5

/** Above this what is in it spoils: the label of products that are kept at 2–8 °C. */
const spoilC = 8
/** A door that was open for a minute or two is no failure: what is in the fridge follows its air slowly. */
const spoilMs = 15 * 60_000
const warningMs = 12 * hourMs
/** Of a leak: d is constant within each minute, so that each minute can be integrated exactly. */
const leakStepMs = 60_000
/** After a repair it is cold again in some 3 hours; until then a refill may find it warmer than it would leave it. */
const recoveryMs = 12 * hourMs

/** Once a day something warms it to the same temperature and the compressor comes on. */
interface Refill {
  readonly lastsMs: number
  /** It leaves the fridge as warm as this, or as it is where that is warmer. */
  readonly toC: number
  readonly opensDoor: boolean
}
/** In the early morning it is filled: the door stands open for two minutes and what comes in is warm. */
const filling: Refill = { lastsMs: 120_000, toC: 5.5, opensDoor: true }
/** Where nobody fills it, a heater defrosts it instead. */
const defrosting: Refill = { lastsMs: 20 * 60_000, toC: highC, opensDoor: false }

/**
 * The door opens at most once an hour by day, briefly: what it lets in costs compressor time, and a few dozen seconds in three
 * hours would hide the first ten hours of a leak.
 */
const doorFromHour = 7
const doorToHour = 23
const doorChance = 0.4
const doorMs = { least: 5_000, most: 15_000 } as const

/** A time during which nothing switches; the temperature goes to `finalC` by `ratePerMs`, or along a line where that is 0. */
interface Stretch {
  readonly startMs: number
  readonly endMs: number
  readonly startC: number
  readonly isOn: boolean
  readonly isDoorOpen: boolean
  readonly ratePerMs: number
  readonly finalC: number
  readonly slopePerMs: number
  /** The limit of the thermostat that it reaches at its end. */
  readonly switchesAtC: number | undefined
}

/**
 * A fridge that is used. After a refill its state is always the same, so that the state at any time is worked out from
 * the last one, exactly, from one switching to the next; where a fault changes that, from the last one before the fault.
 */
export const fridge: DeviceModel = {
  name: 'fridge',
  type: 'fridge',
  description: 'fridge with thermostat, compressor and door',
  intervalMs: 60_000,
  faults: ['refrigerant_leak', 'door_left_open'],
  parameters: {
    ambient_c: {
      is: '°C around it; 22. A warmer room makes the compressor run longer',
      takes: { from: 10, to: 43 },
    },
    filling: {
      is: 'whether it is filled once a day between six and seven; true. Without, it is defrosted then',
      takes: onOrOff,
    },
  },
  create: (seed, id, { faults = [], parameters = {} } = {}) => {
    const refillAtMs = Math.round((6.1 + 0.9 * randomAt(signalKey(seed, id, 'filling'), 0)) * hourMs)
    const course = new Course(
      signalKey(seed, id, 'door'),
      Number(parameters.ambient_c ?? usualAmbientC),
      epochMs + refillAtMs,
      parameters.filling === false ? defrosting : filling,
      faults,
    )
    return {
      id,
      type: 'fridge',
      valuesAt: (timeMs) => {
        const now = course.at(timeMs)
        return {
          temperature_c: round(temperatureIn(now, timeMs), 3),
          compressor_on: now.isOn,
          door_open: now.isDoorOpen,
          power_w: now.isOn ? 90 : 2,
        }
      },
      consequenceOf: (fault) => course.consequenceOf(fault),
    }
  },
}

/** What happens in one fridge. The stretch of the last question is kept: stretches are the same whatever is asked. */
class Course {
  readonly #doorKey: number
  readonly #ambientC: number
  readonly #firstRefilledMs: number
  readonly #refill: Refill
  readonly #faults: readonly Fault[]
  #last: Stretch | undefined

  constructor(
    doorKey: number,
    ambientC: number,
    firstRefilledMs: number,
    refill: Refill,
    faults: readonly Fault[],
  ) {
    this.#doorKey = doorKey
    this.#ambientC = ambientC
    this.#firstRefilledMs = firstRefilledMs
    this.#refill = refill
    this.#faults = faults
  }

  at(timeMs: number): Stretch {
    const anchorMs = this.#anchorBefore(timeMs)
    let stretch = this.#last
    if (stretch === undefined || stretch.startMs > timeMs || stretch.startMs < anchorMs)
      stretch = this.#stretchFrom(anchorMs, this.#refill.toC, true)
    while (timeMs >= stretch.endMs) stretch = this.#after(stretch)
    this.#last = stretch
    return stretch
  }

  consequenceOf(fault: Fault): Consequence {
    const failureMs = this.#spoiltFrom(fault)
    const failure = failureMs === undefined ? {} : { failureMs }
    if (fault.kind === 'door_left_open') return { detectableFromMs: fault.onsetMs, ...failure }
    // By a tenth: less is within what a warmer room or a busy day does.
    const conspicuous = 1.1 * this.#steadyDuty(fullCoolingK)
    let detectableFromMs = fault.onsetMs
    while (
      detectableFromMs < fault.endMs &&
      this.#steadyDuty(fullCoolingK - lossK(fault, detectableFromMs)) < conspicuous
    )
      detectableFromMs += leakStepMs
    detectableFromMs = Math.min(detectableFromMs, fault.endMs)
    if (failureMs === undefined) return { detectableFromMs }
    // Of a leak so fast that half a day before the failure nothing shows, nobody can be warned so early.
    const warnByMs = failureMs - warningMs
    return { detectableFromMs, failureMs, ...(warnByMs > detectableFromMs ? { warnByMs } : {}) }
  }

  /** Share of the time for which the compressor runs when the door stays shut. */
  #steadyDuty(coolingK: number): number {
    const onMs = timeBetween(highC, lowC, this.#ambientC - coolingK, 1 / tauMs)
    const offMs = timeBetween(lowC, highC, this.#ambientC, 1 / tauMs)
    return onMs === Number.POSITIVE_INFINITY ? 1 : onMs / (onMs + offMs)
  }

  /** When it first got too warm, and stayed so for longer than a door that was open briefly explains. */
  #spoiltFrom({ onsetMs, endMs }: Fault): number | undefined {
    let since: number | undefined
    for (let stretch = this.at(onsetMs); ; stretch = this.#after(stretch)) {
      const isLast = stretch.startMs >= endMs
      if (since === undefined && isLast) return undefined
      const fromMs = Math.max(stretch.startMs, onsetMs)
      if (since === undefined) {
        if (temperatureIn(stretch, fromMs) > spoilC) since = fromMs
        else if (temperatureIn(stretch, stretch.endMs) > spoilC) since = passes(stretch, spoilC)
        if (since !== undefined && since >= endMs) return undefined
      }
      if (since === undefined) continue
      const isStill = temperatureIn(stretch, stretch.endMs) > spoilC
      const untilMs = isStill ? stretch.endMs : passes(stretch, spoilC)
      if (untilMs - since >= spoilMs) return Math.ceil(since)
      if (!isStill) since = undefined
    }
  }

  /** The end of the last refill that leaves it in the same state as always. */
  #anchorBefore(timeMs: number): number {
    let anchorMs = this.#refilledBefore(timeMs)
    // In order of onset, so the last one that disturbs is looked at first.
    for (let i = this.#faults.length - 1; i >= 0; i--) {
      const { onsetMs, endMs } = this.#faults[i]!
      if (anchorMs >= onsetMs && anchorMs < endMs + recoveryMs) anchorMs = this.#refilledBefore(onsetMs - 1)
    }
    return anchorMs
  }

  #refilledBefore(timeMs: number): number {
    return this.#firstRefilledMs + Math.floor((timeMs - this.#firstRefilledMs) / dayMs) * dayMs
  }

  #after(stretch: Stretch): Stretch {
    const { endMs, switchesAtC, isOn } = stretch
    if (switchesAtC !== undefined) return this.#stretchFrom(endMs, switchesAtC, !isOn)
    return this.#stretchFrom(endMs, temperatureIn(stretch, endMs), isOn)
  }

  #stretchFrom(startMs: number, startC: number, wasOn: boolean): Stretch {
    const isOn = wasOn || startC >= highC
    const refilledMs = this.#refilledBefore(startMs) + dayMs
    const refillMs = refilledMs - this.#refill.lastsMs
    if (startMs >= refillMs) return this.#refilling(startMs, refilledMs, startC, isOn)
    const { coolingK, isDoorOpen, untilMs } = this.#circumstances(startMs)
    const ratePerMs = 1 / tauMs + (isDoorOpen ? 1 / doorTauMs : 0)
    const finalC = this.#ambientC - (isOn ? coolingK / tauMs / ratePerMs : 0)
    const limitC = isOn ? lowC : highC
    const switchMs = startMs + timeBetween(startC, limitC, finalC, ratePerMs)
    const endMs = Math.min(untilMs, refillMs)
    const switches = switchMs <= endMs
    return {
      startMs,
      endMs: switches ? switchMs : endMs,
      startC,
      isOn,
      isDoorOpen,
      ratePerMs,
      finalC,
      slopePerMs: 0,
      switchesAtC: switches ? limitC : undefined,
    }
  }

  #refilling(startMs: number, refilledMs: number, startC: number, isOn: boolean): Stretch {
    const { toC, opensDoor } = this.#refill
    const { isDoorOpen } = this.#circumstances(startMs)
    const slopePerMs = Math.max(0, toC - startC) / (refilledMs - startMs)
    const switchMs = isOn ? Number.POSITIVE_INFINITY : startMs + (highC - startC) / slopePerMs
    const switches = switchMs < refilledMs
    return {
      startMs,
      endMs: switches ? switchMs : refilledMs,
      startC,
      isOn,
      isDoorOpen: opensDoor || isDoorOpen,
      ratePerMs: 0,
      finalC: toC,
      slopePerMs,
      switchesAtC: switches ? highC : undefined,
    }
  }

  /** What the door and the faults do at a time, and until when that is known to last. */
  #circumstances(timeMs: number): { coolingK: number; isDoorOpen: boolean; untilMs: number } {
    const door = doorAt(this.#doorKey, timeMs)
    let coolingK = fullCoolingK
    let isDoorOpen = door.isOpen
    let untilMs = door.untilMs
    for (const fault of this.#faults) {
      if (timeMs >= fault.endMs) continue
      untilMs = Math.min(untilMs, timeMs < fault.onsetMs ? fault.onsetMs : fault.endMs)
      if (timeMs < fault.onsetMs) continue
      if (fault.kind === 'door_left_open') isDoorOpen = true
      if (fault.kind !== 'refrigerant_leak') continue
      coolingK = Math.max(0, coolingK - lossK(fault, timeMs))
      const steps = Math.floor((timeMs - fault.onsetMs) / leakStepMs)
      if (coolingK > 0) untilMs = Math.min(untilMs, fault.onsetMs + (steps + 1) * leakStepMs)
    }
    return { coolingK, isDoorOpen, untilMs }
  }
}

/** K of cooling that a leak has cost: it falls in steps of a minute. */
function lossK({ onsetMs, severity, parameters }: Fault, timeMs: number): number {
  const hours = (Math.floor((timeMs - onsetMs) / leakStepMs) * leakStepMs) / hourMs
  return parameters.loss_k_per_h! * severity * hours
}

function temperatureIn({ startMs, startC, ratePerMs, finalC, slopePerMs }: Stretch, timeMs: number): number {
  const sinceMs = timeMs - startMs
  if (ratePerMs === 0) return startC + slopePerMs * sinceMs
  return finalC + (startC - finalC) * Math.exp(-ratePerMs * sinceMs)
}

/** When a stretch passes a temperature that lies between those of its ends. */
function passes({ startMs, startC, ratePerMs, finalC, slopePerMs }: Stretch, celsius: number): number {
  if (ratePerMs === 0) return startMs + (celsius - startC) / slopePerMs
  return startMs + timeBetween(startC, celsius, finalC, ratePerMs)
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
