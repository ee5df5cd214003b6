import { dayMs, hourMs } from './model.ts'
import { yearDays, yearTimeOf } from './weather.ts'

/** Years before this one have no readings. */
const firstYear = 2000

/**
 * Power that follows the weather of the typical year, constant in each slot of a day. Its energy since the beginning of 2000 is
 * exact: whole years are multiples of one, so that any time costs at most the sums of one year, once.
 */
export class TypicalYear {
  readonly #slotMs: number
  readonly #powersOf: (dayOfYear: number) => Float64Array
  // Today and the day before: a window that is read around midnight does not work them out again and again.
  readonly #days: { dayOfYear: number; powersW: Float64Array; whBefore: Float64Array }[] = []
  #whBeforeDay: Float64Array | undefined

  /** `powersOf` gives W in each slot of a day of the year, from 0 to 364. */
  constructor(slotMs: number, powersOf: (dayOfYear: number) => Float64Array) {
    this.#slotMs = slotMs
    this.#powersOf = powersOf
  }

  powerW(timeMs: number): number {
    const { dayOfYear, sinceMidnightMs } = yearTimeOf(timeMs)
    return this.#dayOf(dayOfYear).powersW[Math.floor(sinceMidnightMs / this.#slotMs)]!
  }

  /** Wh since the beginning of 2000. */
  energyWh(timeMs: number): number {
    const { year, dayOfYear, sinceMidnightMs } = yearTimeOf(timeMs)
    this.#whBeforeDay ??= this.#sums()
    const before = this.#whBeforeDay
    const years = year - firstYear
    // Of the years from 2000 on, every fourth is a leap year, up to 2099.
    const leapDays = Math.floor((years + 3) / 4)
    const lastDayWh = before[yearDays]! - before[yearDays - 1]!
    const isRepeated = new Date(timeMs).getUTCMonth() === 11 && isLastOfLeapYear(year, timeMs)
    const slot = Math.floor(sinceMidnightMs / this.#slotMs)
    const { powersW, whBefore } = this.#dayOf(dayOfYear)
    const todayWh = whBefore[slot]! + (powersW[slot]! * (sinceMidnightMs - slot * this.#slotMs)) / hourMs
    return (
      years * before[yearDays]! + (leapDays + (isRepeated ? 1 : 0)) * lastDayWh + before[dayOfYear]! + todayWh
    )
  }

  /** When the power may change next. */
  nextChangeMs(timeMs: number): number {
    return (Math.floor(timeMs / this.#slotMs) + 1) * this.#slotMs
  }

  #dayOf(dayOfYear: number) {
    const known = this.#days.find((day) => day.dayOfYear === dayOfYear)
    if (known !== undefined) return known
    const powersW = this.#powersOf(dayOfYear)
    const whBefore = new Float64Array(powersW.length + 1)
    powersW.forEach((watts, slot) => {
      whBefore[slot + 1] = whBefore[slot]! + (watts * this.#slotMs) / hourMs
    })
    const day = { dayOfYear, powersW, whBefore }
    this.#days.unshift(day)
    if (this.#days.length > 2) this.#days.pop()
    return day
  }

  #sums(): Float64Array {
    const before = new Float64Array(yearDays + 1)
    for (let day = 0; day < yearDays; day++) {
      const powersW = this.#powersOf(day)
      let wh = 0
      // In the order of #dayOf, so that a day's end is the next one's beginning to the last digit.
      for (const watts of powersW) wh += (watts * this.#slotMs) / hourMs
      before[day + 1] = before[day]! + wh
    }
    return before
  }
}

/** The 366th day. */
function isLastOfLeapYear(year: number, timeMs: number): boolean {
  return timeMs - Date.UTC(year, 0, 1) >= yearDays * dayMs
}
