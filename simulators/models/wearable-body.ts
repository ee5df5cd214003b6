import { type Fault, isActive } from '../faults/fault.ts'
import { activities, type PersonDays, sit, sleep, slotBeganMs, slotMs } from './wearable-day.ts'

/** Effort as a share of the heart rate's reserve: asleep, sitting, walking, running. */
const efforts = [-0.05, 0.05, 0.3, 0.75] as const
/** The heart follows effort in 40 s, and rest in 80 s; the skin what is around it in two minutes. */
const heart = { risingMs: 40_000, fallingMs: 80_000 }
const skin = { risingMs: 120_000, fallingMs: 120_000 }
const skinC = { worn: 33, off: 24 }
/** What was longer ago than these slots has faded to nothing. */
const memorySlots = 3

const normalSpo2Pct = 97
const asleepSpo2Pct = 1
/** Saturation falls and comes back in so long. */
const desaturationMs = 150_000
const normallyTachycardicBpm = 100
/** A person who sits still cannot be told from one who cannot move before that. */
const stillMs = 300_000

/** Where a body is by its own physics, without noise. */
export interface Body {
  activityAt(timeMs: number): number
  isWornAt(timeMs: number): boolean
  isMotionlessAt(timeMs: number): boolean
  /** Share of the heart's reserve that effort takes by now, from −0.05 to 0.75. */
  effortAt(timeMs: number): number
  heartBpmAt(timeMs: number): number
  spo2PctAt(timeMs: number): number
  skinCAt(timeMs: number): number
  stepsAt(timeMs: number): number
  detectableFromMs(fault: Fault): number
}

export interface Heart {
  readonly restBpm: number
  readonly maxBpm: number
}

/** A person's body under what the person does and what is wrong with it. */
export function bodyOf(days: PersonDays, { restBpm, maxBpm }: Heart, faults: readonly Fault[]): Body {
  const motionless = faults.filter(({ kind }) => kind === 'no_motion')
  const tachycardias = faults.filter(({ kind }) => kind === 'tachycardia_at_rest')
  const desaturations = faults.filter(({ kind }) => kind === 'desaturation')
  const edgesMs = faults.flatMap(({ onsetMs, endMs }) => [onsetMs, endMs])
  const stillOf = (timeMs: number) => motionless.find((fault) => isActive(fault, timeMs))

  const activityAt = (timeMs: number) => {
    const still = stillOf(timeMs)
    if (still === undefined) return days.activityAt(timeMs)
    return days.activityAt(still.onsetMs) === sleep ? sleep : sit
  }
  // Who does not move neither takes it off nor puts it on.
  const isWornAt = (timeMs: number) => days.isWornAt(stillOf(timeMs)?.onsetMs ?? timeMs)
  const effortAim = (timeMs: number) => efforts[activityAt(timeMs) as 0]!
  const normalBpm = (effort: number) => restBpm + (maxBpm - restBpm) * effort
  const tachycardicAim = (timeMs: number) => {
    let bpm = normalBpm(effortAim(timeMs))
    for (const fault of tachycardias) if (isActive(fault, timeMs)) bpm = Math.max(bpm, faultBpm(fault))
    return bpm
  }
  const effortAt = (timeMs: number) => followed(timeMs, effortAim, edgesMs, heart)
  const isNearTachycardia = (timeMs: number) =>
    tachycardias.some(
      ({ onsetMs, endMs }) => timeMs >= onsetMs && timeMs < endMs + (memorySlots + 1) * slotMs,
    )
  const heartBpmAt = (timeMs: number) =>
    isNearTachycardia(timeMs) ? followed(timeMs, tachycardicAim, edgesMs, heart) : normalBpm(effortAt(timeMs))
  const spo2PctAt = (timeMs: number) =>
    desaturations.reduce(
      (pct, fault) => pct - dropPct(fault, timeMs),
      normalSpo2Pct - (activityAt(timeMs) === sleep ? asleepSpo2Pct : 0),
    )

  const shows: Readonly<Record<string, (timeMs: number) => boolean>> = {
    tachycardia_at_rest: (timeMs) => {
      const bpm = heartBpmAt(timeMs)
      const isUnusual = bpm > normallyTachycardicBpm && bpm > normalBpm(effortAt(timeMs)) + 10
      return isUnusual && activityAt(timeMs) <= sit
    },
    desaturation: (timeMs) => spo2PctAt(timeMs) < 92,
    no_motion: (timeMs) => motionless.some(({ onsetMs }) => timeMs >= onsetMs + stillMs),
  }
  return {
    activityAt,
    isWornAt,
    isMotionlessAt: (timeMs) => stillOf(timeMs) !== undefined,
    effortAt,
    heartBpmAt,
    spo2PctAt,
    skinCAt: (timeMs) => followed(timeMs, (at) => (isWornAt(at) ? skinC.worn : skinC.off), edgesMs, skin),
    stepsAt: (timeMs) =>
      motionless.reduce((steps, { onsetMs, endMs }) => {
        if (timeMs < onsetMs) return steps
        return steps - (days.stepsAt(Math.min(timeMs, endMs)) - days.stepsAt(onsetMs))
      }, days.stepsAt(timeMs)),
    detectableFromMs: ({ kind, onsetMs, endMs }) => {
      for (let timeMs = onsetMs; timeMs < endMs; timeMs += 5_000) {
        if (isWornAt(timeMs) && shows[kind]!(timeMs)) return timeMs
      }
      return endMs
    },
  }
}

/** As the profile names it; a device off the wrist knows nothing better than that somebody sits. */
export function activityName(body: Body, timeMs: number): string {
  return activities[body.isWornAt(timeMs) ? (body.activityAt(timeMs) as 0) : sit]
}

function faultBpm({ parameters, severity }: Fault): number {
  return normallyTachycardicBpm + (parameters.heart_rate_bpm! - normallyTachycardicBpm) * severity
}

/** Percentage points that a desaturation takes at a time, rising after its onset and fading after its end. */
function dropPct({ parameters, severity, onsetMs, endMs }: Fault, timeMs: number): number {
  if (timeMs < onsetMs) return 0
  const come = Math.min(1, (Math.min(timeMs, endMs) - onsetMs) / desaturationMs)
  const gone = Math.max(0, timeMs - endMs) / desaturationMs
  return parameters.drop_pct! * severity * Math.max(0, come - gone)
}

/** dx/dt = (aim − x)/τ in closed form over the last slots; the aim changes only with a slot or at an edge. */
function followed(
  timeMs: number,
  aimAt: (timeMs: number) => number,
  edgesMs: readonly number[],
  { risingMs, fallingMs }: { risingMs: number; fallingMs: number },
): number {
  let nowMs = slotBeganMs(timeMs) - memorySlots * slotMs
  let x = aimAt(nowMs)
  while (nowMs < timeMs) {
    let untilMs = Math.min(slotBeganMs(nowMs) + slotMs, timeMs)
    for (const edgeMs of edgesMs) if (edgeMs > nowMs && edgeMs < untilMs) untilMs = edgeMs
    const aim = aimAt(nowMs)
    if (aim !== x) x = aim + (x - aim) * Math.exp(-(untilMs - nowMs) / (aim > x ? risingMs : fallingMs))
    nowMs = untilMs
  }
  return x
}
