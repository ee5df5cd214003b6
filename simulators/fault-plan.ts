import { TidemarkError } from '../lib/errors.ts'
import { hash32, randomAt } from '../lib/prng.ts'
import type { Fault } from './faults/fault.ts'
import { faultKinds } from './faults/fault-kinds.ts'
import { canHave, type FleetMember } from './fleet.ts'
import type { FaultEntry } from './scenario.ts'

/** A fault with what its entry expects instead of what its kind does. */
export interface PlannedFault {
  readonly fault: Fault
  readonly expect: readonly string[]
  readonly graceMs: number
  /** Where devices fail together: the group, `region=west`, which is the device of the truth. */
  readonly group?: string
}

export interface FaultPlanOptions {
  readonly seed: number
  readonly startMs: number
  readonly endMs: number
  /** Whether a device has a metric: sensor faults are only of those. */
  readonly hasMetric: (member: FleetMember, metric: string) => boolean
}

/**
 * Who has which fault, from when to when and how badly: drawn by the seed, the entry's kind and its place among the entries
 * of that kind, and the device, so that no other device and no other kind changes it. An entry that draws its devices stays away
 * from those that have another process fault. Throws TIDEMARK_SCENARIO_INVALID.
 */
export function planFaults(
  entries: readonly FaultEntry[],
  fleet: readonly FleetMember[],
  options: FaultPlanOptions,
): Map<string, PlannedFault[]> {
  const ofEntry: PlannedFault[][] = entries.map(() => [])
  const processFaults = new Map<string, Fault[]>(fleet.map(({ id }) => [id, []]))
  const inOrder = placesOf(entries)
  // Who is named has his fault; who is drawn can be another.
  for (const { entry, index, place } of [
    ...inOrder.filter((one) => !isDrawn(one.entry)),
    ...inOrder.filter((one) => isDrawn(one.entry)),
  ]) {
    const key = `${options.seed}/${entry.kind}/${place}`
    for (const member of chosen(entry, key, fleet, processFaults, options)) {
      const one = plannedFault(entry, key, place, member, options)
      if (one.fault.class === 'process') {
        const others = processFaults.get(member.id)!
        if (isDrawn(entry) && others.some((other) => overlap(other, one.fault))) continue
        others.push(one.fault)
      }
      ofEntry[index]!.push(one)
    }
  }
  const planned = new Map<string, PlannedFault[]>(fleet.map(({ id }) => [id, []]))
  for (const one of ofEntry.flat()) planned.get(one.fault.device)!.push(one)
  return planned
}

/** Each entry with its place among those of its kind, from 1 on. */
function placesOf(entries: readonly FaultEntry[]) {
  const ofKind = new Map<string, number>()
  return entries.map((entry, index) => {
    const place = (ofKind.get(entry.kind) ?? 0) + 1
    ofKind.set(entry.kind, place)
    return { entry, index, place }
  })
}

/** Whether the seed decides which devices an entry is of. */
export function isDrawn({ count, share }: FaultEntry): boolean {
  return count !== undefined || share !== undefined
}

function overlap(a: Fault, b: Fault): boolean {
  return a.onsetMs < b.endMs && b.onsetMs < a.endMs
}

function chosen(
  entry: FaultEntry,
  key: string,
  fleet: readonly FleetMember[],
  processFaults: ReadonlyMap<string, readonly Fault[]>,
  { hasMetric }: FaultPlanOptions,
): FleetMember[] {
  const kind = faultKinds[entry.kind]!
  const isMeant = (member: FleetMember) =>
    (entry.devices === undefined || entry.devices.includes(member.ownId)) &&
    (entry.group === undefined || entry.group === member.group) &&
    (kind.class !== 'process' || canHave(member, entry.kind)) &&
    (kind.class !== 'sensor' ||
      entry.metric === undefined ||
      metricsOf(entry).some((metric) => hasMetric(member, metric)))
  const candidates = fleet.filter(isMeant)
  const drawOf = (name: string) => randomAt(hash32(`${key}/${name}`), 0)
  if (entry.together !== undefined) return chosenTogether(entry, entry.together, candidates, drawOf)
  const draw = ({ id }: FleetMember) => drawOf(id)
  if (entry.share !== undefined) return candidates.filter((member) => draw(member) < entry.share!)
  if (entry.count === undefined) return candidates
  const isFree = ({ id }: FleetMember) => kind.class !== 'process' || processFaults.get(id)!.length === 0
  return candidates
    .filter((member) => member.isOriginal && isFree(member))
    .sort((a, b) => draw(a) - draw(b) || (a.id < b.id ? -1 : 1))
    .slice(0, entry.count)
}

/** All devices of as many groups as the entry says, or of all. */
function chosenTogether(
  { count, share }: FaultEntry,
  label: string,
  candidates: readonly FleetMember[],
  drawOf: (group: string) => number,
): FleetMember[] {
  const groups = [...new Set(candidates.flatMap(({ labels }) => labels[label] ?? []))]
  const drawn = groups
    .filter((group) => share === undefined || drawOf(group) < share)
    .sort((a, b) => drawOf(a) - drawOf(b) || (a < b ? -1 : 1))
    .slice(0, count)
  return candidates.filter(({ labels }) => drawn.includes(labels[label] ?? ''))
}

function plannedFault(
  entry: FaultEntry,
  key: string,
  place: number,
  { id, ...member }: FleetMember,
  { startMs, endMs, hasMetric }: FaultPlanOptions,
): PlannedFault {
  const kind = faultKinds[entry.kind]!
  const group =
    entry.together === undefined ? undefined : `${entry.together}=${member.labels[entry.together]}`
  // What fails together fails at one time and as badly.
  const draws = hash32(`${key}/${group ?? id}/draws`)
  const between = ([low, high]: readonly [number, number], index: number) =>
    low + (high - low) * randomAt(draws, index)
  const onsetMs = Math.round(startMs + between(entry.onset, 0))
  const metrics = metricsOf(entry).filter((metric) => hasMetric({ id, ...member }, metric))
  const unknown = Object.keys(entry.parameters).find((name) => kind.parameters[name] === undefined)
  if (unknown !== undefined) {
    const message = `${entry.kind} has no parameter ${unknown}; it has ${Object.keys(kind.parameters).join(', ') || 'none'}`
    throw new TidemarkError('TIDEMARK_SCENARIO_INVALID', message, { exitCode: 2 })
  }
  const defaults = Object.entries(kind.parameters).map(([name, { default: value }]) => [name, value])
  const fault: Fault = {
    id: place === 1 ? `${entry.kind}-${id}` : `${entry.kind}-${place}-${id}`,
    device: id,
    kind: entry.kind,
    class: kind.class,
    severity: between(entry.severity, 1),
    onsetMs,
    endMs:
      entry.lasts === undefined ? Math.max(endMs, onsetMs) : Math.round(onsetMs + between(entry.lasts, 2)),
    ...(metrics.length > 0 && { metric: metrics[Math.floor(metrics.length * randomAt(draws, 3))]! }),
    parameters: { ...Object.fromEntries(defaults), ...entry.parameters },
  }
  const told = { fault, expect: entry.expect ?? kind.expect, graceMs: kind.graceMs }
  return group === undefined ? told : { ...told, group }
}

function metricsOf({ metric = [] }: FaultEntry): readonly string[] {
  return typeof metric === 'string' ? [metric] : metric
}
