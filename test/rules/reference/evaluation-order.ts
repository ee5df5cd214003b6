import type { Rule } from '../../../rules/rule.ts'
import { absencesIn, reaches } from './inner.ts'
import { msOf, type Scope, type Seen } from './judgement.ts'
import { defaultDevice, devicesOf, type GivenReading, isSelected, type World } from './world.ts'

/** What was seen, or that the clock of a device has reached a time. */
export type Step =
  | Seen
  | { readonly kind: 'clock'; readonly device: string; readonly ts: number; readonly at: number }

/** The group of a device: of `group` and `peers` all with the label; else itself alone. Undefined where it has none. */
export function groupOf({ when }: Rule, device: string, world: World): string | undefined {
  if (when.kind !== 'group' && when.kind !== 'peers') return device
  if (when.by === undefined) return 'group=all'
  const value = world.labels?.[device]?.[when.by]
  return value === undefined ? undefined : `${when.by}=${value}`
}

interface Arrival extends Seen {
  readonly group: string | undefined
}

function arrivalsOf(rule: Rule, readings: readonly GivenReading[], world: World): Arrival[] {
  const known = readings.map(({ ts, values, device = defaultDevice }, at) => ({
    kind: 'reading' as const,
    device,
    ts,
    values,
    at,
    group: groupOf(rule, device, world),
  }))
  const links = (world.connections ?? []).map(({ device, ts, online }) => ({
    kind: online ? ('connected' as const) : ('disconnected' as const),
    device,
    ts,
    values: {},
    at: readings.findIndex((reading) => reading.ts >= ts),
    group: groupOf(rule, device, world),
  }))
  // What other rules are then follows from the readings before.
  const last = links.filter(({ at }) => at === -1).map((link) => ({ ...link, at: readings.length - 1 }))
  const before = (at: number) =>
    links.filter((link) => link.at === at).map((link) => ({ ...link, at: at - 1 }))
  return [...known.flatMap((reading) => [...before(reading.at), reading]), ...last]
}

/** What a rule evaluates, in order: held for `wait`, sorted, readings of one time merged, what is late left out. */
export function evaluationOrder(
  rule: Rule,
  readings: readonly GivenReading[],
  world: World,
  scope: Pick<Scope, 'reachesRule'>,
): Step[] {
  const waitMs = msOf(rule.wait)
  const arrivals = arrivalsOf(rule, readings, world).filter(({ device }) => isSelected(rule, device, world))
  const steps: Step[] = []
  let held: Arrival[] = []
  const letGo = (group: string, bound: number, at: number) => {
    const due = held.filter((one) => one.group === group && one.ts <= bound)
    held = held.filter((one) => !due.includes(one))
    for (const one of waitMs === 0 ? due : inOrder(due)) steps.push({ ...one, at })
  }
  arrivals.forEach((arrival, i) => {
    if (arrival.group === undefined) return
    const sofar = arrivals.slice(0, i + 1).filter(({ group }) => group === arrival.group)
    const clockOwners = waitMs === 0 ? sofar.filter(({ device }) => device === arrival.device) : sofar
    const isLate = arrival.ts < newestOf(clockOwners) - waitMs
    if (reaches(rule.when, arrival, scope) && !isLate) held.push(arrival)
    const bound = Math.max(...sofar.map(({ ts }) => ts)) - waitMs
    letGo(arrival.group, bound, arrival.at)
    // A reading moves the clock to just before its time: others of that time may come.
    steps.push({ kind: 'clock', device: arrival.device, ts: bound - 1, at: arrival.at })
  })
  if (world.until === undefined || absencesIn(rule.when).length === 0) return steps
  for (const device of devicesOf(readings, world).filter((name) => isSelected(rule, name, world))) {
    letGo(device, world.until - waitMs, readings.length)
    steps.push({ kind: 'clock', device, ts: world.until - waitMs, at: readings.length })
  }
  return steps
}

function newestOf(arrivals: readonly Arrival[]): number {
  return Math.max(...arrivals.filter(({ kind }) => kind === 'reading').map(({ ts }) => ts))
}

/** By time, then device; readings of one time and device become one, a later arrival taking the place of an earlier. */
function inOrder(held: readonly Arrival[]): Arrival[] {
  const order = held.toSorted(
    (a, b) => a.ts - b.ts || (a.device < b.device ? -1 : a.device > b.device ? 1 : 0),
  )
  return order.flatMap((one, i) => {
    const isSame = (other: Arrival | undefined) =>
      other?.ts === one.ts &&
      other.device === one.device &&
      other.kind === 'reading' &&
      one.kind === 'reading'
    if (isSame(order[i - 1])) return []
    const values = order.filter(isSame).map((other) => other.values)
    return [{ ...one, values: Object.assign({}, one.values, ...values) }]
  })
}
