import { isDeviceId } from '../domain/names.ts'
import { TidemarkError } from '../lib/errors.ts'
import { hash32 } from '../lib/prng.ts'
import type { DeviceModel, ModelSettings } from './models/model.ts'
import { findModel } from './models/models.ts'
import type { FleetGroup, Scenario } from './scenario.ts'

/** A device of a fleet before anything goes wrong with it. */
export interface FleetMember {
  readonly id: string
  /** Without the prefix of the run: as fault entries name it. */
  readonly ownId: string
  readonly group: string
  readonly model: DeviceModel
  readonly labels: Readonly<Record<string, string>>
  readonly parameters: NonNullable<ModelSettings['parameters']>
  readonly intervalMs: number
  /** When in its interval it reports. */
  readonly phaseMs: number
  /** Whether the scenario's own fleet has it: faults that are counted are drawn among these, so that more devices change nothing. */
  readonly isOriginal: boolean
}

/** Of a fleet: what registering and connecting them takes grows with each. */
const devicesMax = 100_000

type Parameter = string | number | boolean

/**
 * The devices of a scenario, of which a larger fleet has the same and more. A device's labels, parameters and phase follow
 * from its number and the seed alone. Throws TIDEMARK_SCENARIO_INVALID (exit code 2) where an id is none or is of two devices.
 */
export function fleetOf(scenario: Scenario, seed: number, devices?: number, prefix = ''): FleetMember[] {
  const counts = groupCounts(scenario.fleet, devices)
  if (counts.reduce((sum, count) => sum + count, 0) > devicesMax)
    throw invalid(`/fleet: more than ${devicesMax} devices`)
  const members = scenario.fleet.flatMap((group, i) =>
    Array.from({ length: counts[i]! }, (_, index) => memberOf(group, index + 1, seed, prefix)),
  )
  const groupOf = new Map<string, string>()
  for (const { id, group } of members) {
    if (!isDeviceId(id)) throw invalid(`/fleet: ${id}, of ${group}, is no device id (64 characters at most)`)
    const other = groupOf.get(id)
    if (other !== undefined) throw invalid(`/fleet: ${id} is a device of ${other} and of ${group}`)
    groupOf.set(id, group)
  }
  return members
}

function invalid(message: string): TidemarkError {
  return new TidemarkError('TIDEMARK_SCENARIO_INVALID', message, { exitCode: 2 })
}

function memberOf(group: FleetGroup, number: number, seed: number, prefix: string): FleetMember {
  const model = findModel(group.model)!
  const ownId = (group.ids ?? `${group.name}-{n}`).replaceAll('{n}', String(number))
  const id = `${prefix}${ownId}`
  const intervalMs = group.interval ?? model.intervalMs
  const turn = <T extends Parameter>(given: T | readonly T[]): T =>
    Array.isArray(given) ? given[(number - 1) % given.length] : (given as T)
  const named = <T extends Parameter>(given: Readonly<Record<string, T | readonly T[]>>) =>
    Object.fromEntries(
      Object.entries(given).map(([name, value]) => {
        const own = turn(value)
        return [name, typeof own === 'string' ? (own.replaceAll('{n}', String(number)) as T) : own]
      }),
    )
  return {
    id,
    ownId,
    group: group.name,
    model,
    labels: named(group.labels),
    parameters: named<Parameter>(group.parameters),
    intervalMs,
    phaseMs: hash32(`${seed}/${id}/phase`) % intervalMs,
    isOriginal: number <= group.count,
  }
}

/** Whether a device can have a process fault of this kind. */
export function canHave({ model, parameters }: FleetMember, kind: string): boolean {
  return model.faults.includes(kind) && (model.canHave?.(kind, parameters) ?? true)
}

/** In proportion to the scenario's own, by the largest remainder; each group keeps one at least. */
function groupCounts(fleet: readonly FleetGroup[], devices?: number): number[] {
  const own = fleet.map(({ count }) => count)
  if (devices === undefined) return own
  const total = own.reduce((sum, count) => sum + count, 0)
  const exact = own.map((count) => (count * devices) / total)
  const counts = exact.map((count) => Math.max(1, Math.floor(count)))
  const byRemainder = exact
    .map((count, i) => ({ i, rest: count - Math.floor(count) }))
    .sort((a, b) => b.rest - a.rest || a.i - b.i)
  let left = devices - counts.reduce((sum, count) => sum + count, 0)
  for (const { i } of byRemainder) {
    if (left-- <= 0) break
    counts[i]!++
  }
  return counts
}
