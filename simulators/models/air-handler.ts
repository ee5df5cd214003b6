import { randomAt, smoothNoise } from '../../lib/prng.ts'
import { type Consequence, type Fault, isActive } from '../faults/fault.ts'
import { type DeviceModel, dayMs, epochMs, hourMs, hourOfDay, round, signalKey } from './model.ts'

/** Pressure drop of a filter at full flow: new, when it should be changed, and when it lets too little air through, Pa. */
const newPa = 80
const warningPa = 200
const cloggedPa = 250
/** A healthy filter is changed long before: after 90 days of 6,000 h at full flow it shows some 120 Pa. */
const healthyLifeHours = 6_000
const changedEveryMs = 90 * dayMs
/** Dust and dampness of the air move the drop by a percent or two: a rise by a fifth is the filter. */
const conspicuousRise = 1.2

/** It runs at full flow from 06 to 20 on workdays, at a share of it else. */
const fromHour = 6
const toHour = 20
const reducedFlow = 0.4
/** Hours at full flow that a whole day comes to. */
const workdayHours = toHour - fromHour + (24 - toHour + fromHour) * reducedFlow
const freeDayHours = 24 * reducedFlow
const weekHours = 5 * workdayHours + 2 * freeDayHours

/** Supply air: set points by day and reduced, to which it goes in a quarter of an hour. */
const daySetpointC = 20
const reducedSetpointC = 17
const rampMs = 900_000
/** What the heating coil adds with its valve wide open. */
const coilK = 20
/** Points by which the controller opens the valve for each K that is missing, beyond what the air should need. */
const pointsPerKelvin = 5
/** The valve is where it was told to be half a minute ago. */
const travelMs = 30_000
/** Beyond what its travel and a tired gear explain. */
const conspicuousPoints = 10
const minuteMs = 60_000

/** An air handling unit: a fan behind a filter, and a heating coil whose valve holds the temperature of the supply air. */
export const airHandler: DeviceModel = {
  name: 'air_handler',
  type: 'air_handler',
  description: 'ventilation of a building: fan, filter, heating coil with its valve',
  intervalMs: 60_000,
  faults: ['filter_clog', 'valve_stuck'],
  parameters: {},
  create: (seed, id, { faults = [] } = {}) => {
    const key = (signal: string) => signalKey(seed, id, signal)
    const filter = new Filter(randomAt(key('filter'), 0), faults)
    const valve = new Valve(key('mixed'), faults)
    const keys = { fan: key('fan'), pressure: key('pressure'), supply: key('supply'), return: key('return') }
    const trembling = (of: number, timeMs: number) => smoothNoise(of, timeMs, 30_000)
    return {
      id,
      type: 'air_handler',
      valuesAt: (timeMs) => {
        const flow = flowAt(timeMs)
        const dust = 1 + 0.01 * trembling(keys.pressure, timeMs)
        // Over a day people warm the rooms.
        const returnC = 21 - 0.7 * Math.cos((2 * Math.PI * (hourOfDay(timeMs) - 3)) / 24)
        return {
          // The drop goes with the square of the flow.
          filter_pressure_pa: round(filter.pressureAt(timeMs) * flow ** 2 * dust, 1),
          fan_speed_pct: round(Math.min(100, 100 * flow + 0.3 * trembling(keys.fan, timeMs)), 1),
          valve_command_pct: round(valve.commandAt(timeMs), 1),
          valve_position_pct: round(valve.positionAt(timeMs), 1),
          supply_temperature_c: round(valve.supplyAt(timeMs) + 0.05 * trembling(keys.supply, timeMs), 2),
          supply_setpoint_c: round(setpointAt(timeMs), 2),
          return_temperature_c: round(returnC + 0.1 * smoothNoise(keys.return, timeMs, 600_000), 2),
        }
      },
      consequenceOf: (fault) =>
        fault.kind === 'filter_clog' ? filter.consequenceOf(fault) : valve.consequenceOf(fault),
    }
  },
}

class Filter {
  readonly #phaseMs: number
  readonly #clogs: readonly Fault[]

  /** `phase`: where in the rhythm of its changes it is, from 0 to 1. */
  constructor(phase: number, faults: readonly Fault[]) {
    this.#phaseMs = Math.round(phase * changedEveryMs)
    this.#clogs = faults.filter(({ kind }) => kind === 'filter_clog')
  }

  /** Pa at full flow. */
  pressureAt(timeMs: number): number {
    return newPa + (cloggedPa - newPa) * this.#lifeAt(timeMs)
  }

  /** What lies after the filter was changed, which is the fault's end, does not happen. */
  consequenceOf(fault: Fault): Consequence {
    const atOnset = this.pressureAt(fault.onsetMs)
    const timeAt = (pressure: number) =>
      Math.ceil(timeAtHours(fullFlowHours(fault.onsetMs) + this.#hoursTo(fault, atOnset, pressure)))
    const warnByMs = timeAt(warningPa)
    const failureMs = timeAt(cloggedPa)
    return {
      detectableFromMs: timeAt(conspicuousRise * atOnset),
      ...(warnByMs < fault.endMs ? { warnByMs } : {}),
      ...(failureMs < fault.endMs ? { failureMs } : {}),
    }
  }

  #hoursTo(fault: Fault, fromPa: number, toPa: number): number {
    return ((toPa - fromPa) / (cloggedPa - fromPa)) * clogHours(fault)
  }

  /** The share of its life that is over. */
  #lifeAt(timeMs: number): number {
    const fault = this.#clogs.find((one) => isActive(one, timeMs))
    if (fault === undefined) return this.#healthyLife(timeMs)
    const before = this.#healthyLife(fault.onsetMs)
    const share = (fullFlowHours(timeMs) - fullFlowHours(fault.onsetMs)) / clogHours(fault)
    return Math.min(1, before + (1 - before) * share)
  }

  #healthyLife(timeMs: number): number {
    const changes = Math.floor((timeMs - epochMs - this.#phaseMs) / changedEveryMs)
    let changedMs = epochMs + this.#phaseMs + changes * changedEveryMs
    for (const { endMs } of this.#clogs) if (endMs <= timeMs) changedMs = Math.max(changedMs, endMs)
    return (fullFlowHours(timeMs) - fullFlowHours(changedMs)) / healthyLifeHours
  }
}

function clogHours({ parameters, severity }: Fault): number {
  return (parameters.life_days! * 24) / severity
}

class Valve {
  readonly #mixedKey: number
  readonly #faults: readonly Fault[]

  constructor(mixedKey: number, faults: readonly Fault[]) {
    this.#mixedKey = mixedKey
    this.#faults = faults.filter(({ kind }) => kind === 'valve_stuck')
  }

  /** What the air needs, and more where it does not get it. */
  commandAt(timeMs: number): number {
    const needed = this.#neededAt(timeMs)
    if (this.#stuckAt(timeMs) === undefined) return needed
    return percent(needed + pointsPerKelvin * (setpointAt(timeMs) - this.supplyAt(timeMs)))
  }

  positionAt(timeMs: number): number {
    return this.#stuckAt(timeMs) ?? this.#neededAt(timeMs - travelMs)
  }

  supplyAt(timeMs: number): number {
    return this.#mixedAt(timeMs) + (coilK * this.positionAt(timeMs)) / 100
  }

  /** From the first minute at which command and position are further apart than its travel explains; else from the end. */
  consequenceOf({ onsetMs, endMs }: Fault): Consequence {
    let timeMs = onsetMs
    while (timeMs < endMs && Math.abs(this.commandAt(timeMs) - this.positionAt(timeMs)) <= conspicuousPoints)
      timeMs += minuteMs
    return { detectableFromMs: Math.min(timeMs, endMs) }
  }

  #stuckAt(timeMs: number): number | undefined {
    const fault = this.#faults.find((one) => isActive(one, timeMs))
    if (fault === undefined) return undefined
    const position = fault.parameters.position_pct!
    return position < 0 ? this.#neededAt(fault.onsetMs - travelMs) : Math.min(position, 100)
  }

  #neededAt(timeMs: number): number {
    return percent((100 * (setpointAt(timeMs) - this.#mixedAt(timeMs))) / coilK)
  }

  /** Dampers mix outdoor and return air to some 12 °C, a little more in summer and in the afternoon. */
  #mixedAt(timeMs: number): number {
    const year = Math.cos((2 * Math.PI * (timeMs - epochMs)) / (365.25 * dayMs))
    const day = Math.cos((2 * Math.PI * (hourOfDay(timeMs) - 15)) / 24)
    return 12 - 1.5 * year + day + 0.7 * smoothNoise(this.#mixedKey, timeMs, 3 * hourMs)
  }
}

function percent(value: number): number {
  return Math.min(100, Math.max(0, value))
}

/** Days since Saturday, 1 January 2000: the first two of each seven are free. */
function isWorkday(day: number): boolean {
  return day - 7 * Math.floor(day / 7) >= 2
}

/** Share of full flow. */
function flowAt(timeMs: number): number {
  const hour = hourOfDay(timeMs)
  const isFull = hour >= fromHour && hour < toHour && isWorkday(Math.floor((timeMs - epochMs) / dayMs))
  return isFull ? 1 : reducedFlow
}

function setpointAt(timeMs: number): number {
  const now = flowAt(timeMs) === 1 ? daySetpointC : reducedSetpointC
  const before = flowAt(timeMs - rampMs) === 1 ? daySetpointC : reducedSetpointC
  if (now === before) return now
  const share = (timeMs % hourMs) / rampMs
  return before + (now - before) * share
}

/** Hours at full flow to which the running since the epoch comes: an hour at reduced flow counts by its share. */
function fullFlowHours(timeMs: number): number {
  const day = Math.floor((timeMs - epochMs) / dayMs)
  const weeks = Math.floor(day / 7)
  const weekday = day - 7 * weeks
  const wholeDays = Math.min(2, weekday) * freeDayHours + Math.max(0, weekday - 2) * workdayHours
  const hour = hourOfDay(timeMs)
  const full = isWorkday(day) ? Math.min(toHour - fromHour, Math.max(0, hour - fromHour)) : 0
  return weeks * weekHours + wholeDays + full + (hour - full) * reducedFlow
}

/** When the running since the epoch comes to so many hours at full flow. */
function timeAtHours(hours: number): number {
  // No stretch of time has less than its share at reduced flow, nor more than all of it: halve what is between.
  let fromMs = epochMs + hours * hourMs
  let toMs = epochMs + (hours / reducedFlow) * hourMs
  while (toMs - fromMs > 0.5) {
    const middleMs = (fromMs + toMs) / 2
    if (fullFlowHours(middleMs) < hours) fromMs = middleMs
    else toMs = middleMs
  }
  return toMs
}
