import { randomAt } from '../../lib/prng.ts'
import { dayMs, dayOf, epochMs, hourMs } from './model.ts'

/** Who is in a room at a time. */
export interface Presence {
  readonly people: number
  readonly areAsleep: boolean
}

interface Stay extends Presence {
  readonly fromMs: number
  readonly toMs: number
}

const nobody: Presence = { people: 0, areAsleep: false }

/** When a room is used and by how many: an office on workdays, or a home's one room in mornings, evenings and nights. */
export function roomUse(key: number, isHome: boolean, peopleMax: number): (timeMs: number) => Presence {
  let day = Number.NaN
  let stays: readonly Stay[] = []
  const staysOf = isHome ? homeStays : officeStays
  return (timeMs) => {
    if (dayOf(timeMs) !== day) {
      day = dayOf(timeMs)
      stays = [...staysOf(key, day - 1, peopleMax), ...staysOf(key, day, peopleMax)]
    }
    return stays.find(({ fromMs, toMs }) => timeMs >= fromMs && timeMs < toMs) ?? nobody
  }
}

/** On workdays from between eight and half past nine to between half past four and six. */
function officeStays(key: number, day: number, peopleMax: number): Stay[] {
  if (isWeekEnd(day)) return []
  const at = (index: number, hour: number, spread: number) => timeOf(key, day, index, hour, spread)
  return [
    {
      people: peopleOf(key, day, peopleMax),
      areAsleep: false,
      fromMs: at(1, 8, 1.5),
      toMs: at(2, 16.5, 1.5),
    },
  ]
}

/** From waking until work, or on week-ends an outing, and from then to bed and through the night. */
function homeStays(key: number, day: number, peopleMax: number): Stay[] {
  const at = (index: number, hour: number, spread: number) => timeOf(key, day, index, hour, spread)
  const wakeOf = (d: number) => timeOf(key, d, 1, isWeekEnd(d) ? 7.5 : 6, 1)
  const people = peopleOf(key, day, peopleMax)
  const [leaveMs, returnMs] = isWeekEnd(day)
    ? [at(2, 10, 3), at(3, 13.5, 4)]
    : [at(2, 7.5, 1.5), at(3, 16, 2.5)]
  const bedMs = at(4, 22, 1.5)
  return [
    { people, areAsleep: false, fromMs: wakeOf(day), toMs: leaveMs },
    { people, areAsleep: false, fromMs: returnMs, toMs: bedMs },
    { people, areAsleep: true, fromMs: bedMs, toMs: wakeOf(day + 1) },
  ]
}

function isWeekEnd(day: number): boolean {
  const weekday = new Date(epochMs + day * dayMs).getUTCDay()
  return weekday === 0 || weekday === 6
}

function peopleOf(key: number, day: number, peopleMax: number): number {
  return 1 + Math.floor(peopleMax * randomAt(key, day * 8))
}

function timeOf(key: number, day: number, index: number, hour: number, spreadHours: number): number {
  return epochMs + day * dayMs + Math.round((hour + spreadHours * randomAt(key, day * 8 + index)) * hourMs)
}
