import { normalAt, randomAt } from '../../lib/prng.ts'
import { dayMs, dayOf, epochMs, hourMs, signalKey } from './model.ts'

const kwhPerKm = 0.18
const batteryKwh = 60
/** Power falls in steps of 2 % of the battery from 80 % on, to a quarter when it is full. */
const taperFrom = 0.8
const taperStep = 0.02

/** A stretch of charging at one power. */
interface Stretch {
  readonly watts: number
  readonly fromMs: number
  readonly untilMs: number
}

/** Charging of a day: begins on it, may end on the next. */
interface Session {
  readonly wh: number
  readonly stretches: readonly Stretch[]
}

const none: Session = { wh: 0, stretches: [] }

/**
 * A car that is charged at home: its owner drives as much each week, plugs it in on some evenings of it, on arrival. Each week's
 * energy is the same, so that the energy since 2000 needs no sum over weeks.
 */
export class EvCharging {
  readonly #kw: number
  readonly #key: number
  readonly #weekWh: number
  readonly #evenings: number
  readonly #fullAt: number
  readonly #sessions = new Map<number, Session>()

  constructor(seed: number, home: string, kw: number) {
    this.#kw = kw
    this.#key = signalKey(seed, home, 'ev')
    const drawn = (index: number) => randomAt(this.#key, -1 - index)
    this.#weekWh = Math.round((120 + 200 * drawn(0)) * kwhPerKm) * 1000
    this.#evenings = drawn(1) < 0.5 ? 3 : 4
    this.#fullAt = [0.8, 0.9, 1][Math.floor(3 * drawn(2))]!
  }

  powerW(timeMs: number): number {
    const day = dayOf(timeMs)
    for (const session of [this.#sessionOf(day - 1), this.#sessionOf(day)]) {
      for (const { fromMs, untilMs, watts } of session.stretches) {
        if (timeMs >= fromMs && timeMs < untilMs) return watts
      }
    }
    return 0
  }

  /** Wh since the beginning of 2000. */
  energyWh(timeMs: number): number {
    const day = dayOf(timeMs)
    const yesterday = this.#sessionOf(day - 1)
    // All of the sessions that began before today, less what the last of them has yet to charge.
    const week = Math.floor(day / 7)
    let wh = week * this.#weekWh - (yesterday.wh - chargedWh(yesterday, timeMs))
    for (let earlier = week * 7; earlier < day; earlier++) wh += this.#sessionOf(earlier).wh
    return wh + chargedWh(this.#sessionOf(day), timeMs)
  }

  nextChangeMs(timeMs: number): number {
    const day = dayOf(timeMs)
    let nextMs = epochMs + (day + 1) * dayMs
    for (const session of [this.#sessionOf(day - 1), this.#sessionOf(day)]) {
      for (const { fromMs, untilMs } of session.stretches) {
        if (fromMs > timeMs) nextMs = Math.min(nextMs, fromMs)
        if (untilMs > timeMs) nextMs = Math.min(nextMs, untilMs)
      }
    }
    return nextMs
  }

  #sessionOf(day: number): Session {
    if (day < 0) return none
    let session = this.#sessions.get(day)
    if (session === undefined) {
      if (this.#sessions.size >= 16) this.#sessions.clear()
      session = this.#drawSession(day)
      this.#sessions.set(day, session)
    }
    return session
  }

  #drawSession(day: number): Session {
    const week = Math.floor(day / 7)
    const draw = (index: number) => randomAt(this.#key, week * 32 + index)
    const days = [0, 1, 2, 3, 4, 5, 6].sort((a, b) => draw(a) - draw(b)).slice(0, this.#evenings)
    if (!days.includes(day - week * 7)) return none
    const weight = (of: number) => 0.7 + 0.6 * draw(8 + of)
    const wh = (this.#weekWh * weight(day - week * 7)) / days.reduce((sum, of) => sum + weight(of), 0)
    const arrivesH = Math.min(23.5, Math.max(12.5, 18 + 2 * normalAt(this.#key, 2 ** 31 + day)))
    const stretches: Stretch[] = []
    let fromMs = Math.round(epochMs + day * dayMs + arrivesH * hourMs)
    let leftWh = wh
    while (leftWh > 1e-6) {
      const charge = this.#fullAt - leftWh / 1000 / batteryKwh
      const step = Math.floor((charge - taperFrom + 1e-9) / taperStep)
      const isTapering = charge >= taperFrom - 1e-9
      const watts =
        this.#kw * 1000 * (isTapering ? 1 - (0.75 * (step + 0.5) * taperStep) / (1 - taperFrom) : 1)
      const untilCharge = Math.min(this.#fullAt, isTapering ? taperFrom + (step + 1) * taperStep : taperFrom)
      const stepWh = Math.min(leftWh, (untilCharge - charge) * batteryKwh * 1000)
      const untilMs = fromMs + (stepWh / watts) * hourMs
      stretches.push({ watts, fromMs, untilMs })
      fromMs = untilMs
      leftWh -= stepWh
    }
    return { wh, stretches }
  }
}

function chargedWh({ stretches }: Session, timeMs: number): number {
  let wh = 0
  for (const { watts, fromMs, untilMs } of stretches) {
    if (timeMs <= fromMs) break
    wh += (watts * (Math.min(timeMs, untilMs) - fromMs)) / hourMs
  }
  return wh
}
