import { isLabelName, labelValueBytesMax } from '../domain/names.ts'
import { messageOf, TidemarkError } from '../lib/errors.ts'
import { isDrawn } from './fault-plan.ts'
import { type FaultKind, faultKinds } from './faults/fault-kinds.ts'
import { canHave, type FleetMember, fleetOf } from './fleet.ts'
import { findModel } from './models/models.ts'
import { expected, isTaken } from './models/settings.ts'
import { type FaultEntry, type FleetGroup, loadFaults, loadScenario, type Scenario } from './scenario.ts'
import { markProblem } from './score/marks.ts'

/** What is checked of a fault entry: the fleet that it acts on, and what each of its devices measures. */
interface CheckedFleet {
  readonly members: readonly FleetMember[]
  readonly hasMetric: (member: FleetMember, metric: string) => boolean
}

/** Any time will do; one of the year for which models are made is the cheapest. */
const checkedAtMs = Date.UTC(2026, 0, 1)

/** Least and most of the parameters of faults that would stop a device, or the simulator, where they are beyond. */
const bounds: Readonly<Record<string, readonly [number, number]>> = {
  probability: [0, 1],
  share: [0, 1],
  run: [1, 1e6],
  intervals: [0, 1e6],
  // A packet of MQTT is no longer.
  bytes: [1, 256 * 1024 * 1024 - 256],
  every_s: [0.001, 1e9],
  offset_s: [-3e9, 3e9],
  step: [1e-9, 1e9],
  modulus: [1e-3, 1e15],
  life_days: [1e-3, 1e6],
  phase: [1, 3],
}

/** As `loadScenario`, and what the scenario names exists. Throws TIDEMARK_SCENARIO_INVALID (exit code 2) with the place. */
export function checkedScenario(nameOrFile: string): Scenario {
  const scenario = loadScenario(nameOrFile)
  placed(nameOrFile, () => checkScenario(scenario))
  return scenario
}

/** As `loadFaults`, and `scenario` has the devices that they are of. Throws TIDEMARK_SCENARIO_INVALID (exit code 2) with the place. */
export function checkedFaults(file: string, scenario: Scenario): FaultEntry[] {
  const faults = loadFaults(file)
  placed(file, () => {
    const members = fleetOf(scenario, 0)
    checkFaults(faults, members)
    checkOverlaps([...placesOf(scenario.faults, 'the scenario’s '), ...placesOf(faults)], members)
  })
  return faults
}

/** Says in which file it was. */
function placed(file: string, check: () => void): void {
  try {
    check()
  } catch (error) {
    throw invalid(`${file}: ${messageOf(error)}`)
  }
}

/**
 * What a schema cannot see: whether what a scenario names exists. Throws TIDEMARK_SCENARIO_INVALID (exit code 2) with the
 * place; without it a misspelt group or label would be a scenario in which nothing happens, and every mark is reached.
 */
function checkScenario(scenario: Scenario): void {
  const names = scenario.fleet.map(({ name }) => name)
  for (const [i, group] of scenario.fleet.entries()) {
    if (names.indexOf(group.name) < i) throw invalid(`/fleet/${i}/name: there are two groups ${group.name}`)
    checkLabels(group, `/fleet/${i}/labels`)
  }
  for (const [i, group] of scenario.fleet.entries()) checkParameters(group, `/fleet/${i}/parameters`)
  const members = fleetOf(scenario, 0)
  checkFaults(scenario.faults, members)
  checkOverlaps(placesOf(scenario.faults), members)
  for (const [i, mark] of scenario.pass.entries()) {
    const problem = markProblem(mark)
    if (problem !== undefined) throw invalid(`/pass/${i}: ${mark.figure} ${problem}`)
    const { fault = 'none' } = mark
    if (fault !== 'none' && !Object.hasOwn(faultKinds, fault))
      throw invalid(`/pass/${i}/fault: not a kind of fault`)
  }
}

function checkFaults(entries: readonly FaultEntry[], members: readonly FleetMember[]): void {
  const known = new Map<string, ReadonlySet<string>>()
  const hasMetric = (member: FleetMember, metric: string) => {
    const key = `${member.model.name}/${JSON.stringify(member.parameters)}`
    if (!known.has(key)) known.set(key, new Set(Object.keys(firstValues(member))))
    return known.get(key)!.has(metric)
  }
  for (const [i, entry] of entries.entries()) checkFault(entry, { members, hasMetric }, `/faults/${i}`)
}

function checkFault(entry: FaultEntry, fleet: CheckedFleet, place: string): void {
  const kind = faultKinds[entry.kind]!
  checkFaultParameters(entry, kind, `${place}/parameters`)
  for (const [name, range] of Object.entries({
    onset: entry.onset,
    lasts: entry.lasts,
    severity: entry.severity,
  }))
    if (range !== undefined && range[0] > range[1])
      throw invalid(`${place}/${name}: the first end of the range is above the second`)
  if (entry.lasts?.[0] === 0) throw invalid(`${place}/lasts: expected a duration above 0`)
  if (entry.count !== undefined && entry.share !== undefined && entry.together === undefined)
    throw invalid(`${place}: takes count or share, not both`)
  const inGroup = fleet.members.filter(({ group }) => entry.group === undefined || group === entry.group)
  if (inGroup.length === 0) throw invalid(`${place}/group: the fleet has no group ${entry.group}`)
  const unknown = entry.devices?.find((id) => !inGroup.some((member) => member.id === id))
  if (unknown !== undefined) throw invalid(`${place}/devices: there is no device ${unknown}`)
  const able = ableDevices(entry, inGroup)
  const unable = entry.devices?.find((id) => !able.some((member) => member.id === id))
  if (unable !== undefined) throw invalid(`${place}/devices: ${unable} cannot have ${entry.kind}`)
  if (able.length === 0) throw invalid(`${place}/kind: none of these devices can have ${entry.kind}`)
  checkMetric(entry, kind, able, fleet, `${place}/metric`)
  const label = entry.together
  if (label !== undefined && able.every(({ labels }) => labels[label] === undefined))
    throw invalid(`${place}/together: none of these devices has the label ${label}`)
}

/** The devices that can have the fault of an entry. */
function ableDevices(
  { kind, group, devices }: FaultEntry,
  members: readonly FleetMember[],
): readonly FleetMember[] {
  const isProcess = faultKinds[kind]!.class === 'process'
  return members
    .filter(
      (member) => (group === undefined || member.group === group) && (devices?.includes(member.id) ?? true),
    )
    .filter((member) => !isProcess || canHave(member, kind))
}

interface PlacedEntry {
  readonly entry: FaultEntry
  readonly place: string
}

function placesOf(entries: readonly FaultEntry[], before = ''): PlacedEntry[] {
  return entries.map((entry, i) => ({ entry, place: `${before}/faults/${i}` }))
}

/** No device has two process faults at a time by entries that draw nobody, whatever times the seed draws. */
function checkOverlaps(placed: readonly PlacedEntry[], members: readonly FleetMember[]): void {
  const known = new Map<string, (PlacedEntry & { fromMs: number; toMs: number })[]>()
  for (const { entry, place } of placed) {
    if (faultKinds[entry.kind]!.class !== 'process' || isDrawn(entry)) continue
    const fromMs = entry.onset[0]
    const toMs = entry.onset[1] + (entry.lasts?.[1] ?? Number.POSITIVE_INFINITY)
    for (const { id } of ableDevices(entry, members)) {
      const others = known.get(id) ?? []
      const other = others.find((one) => one.fromMs < toMs && fromMs < one.toMs)
      if (other !== undefined) {
        const both = `${id} can have ${other.entry.kind} (${other.place}) at the same time`
        throw invalid(`${place}: ${both}, and a device has one process fault at a time`)
      }
      known.set(id, [...others, { entry, place, fromMs, toMs }])
    }
  }
}

function checkMetric(
  { kind: name, metric }: FaultEntry,
  kind: FaultKind,
  able: readonly FleetMember[],
  { hasMetric }: CheckedFleet,
  place: string,
): void {
  if (metric === undefined) return
  if (kind.class !== 'sensor') throw invalid(`${place}: ${name} is not of one metric, faults of sensors are`)
  const missing = [metric].flat().find((one) => !able.some((member) => hasMetric(member, one)))
  if (missing !== undefined) throw invalid(`${place}: none of these devices has ${missing}`)
}

function checkFaultParameters({ kind: name, parameters }: FaultEntry, kind: FaultKind, place: string): void {
  const unknown = Object.keys(parameters).find((one) => !Object.hasOwn(kind.parameters, one))
  if (unknown !== undefined) {
    const known = Object.keys(kind.parameters).join(', ') || 'none'
    throw invalid(`${place}: ${name} has no parameter ${unknown}; it has ${known}`)
  }
  for (const [one, value] of Object.entries(parameters)) {
    const [least, most] = bounds[one] ?? [-1e12, 1e12]
    if (value < least || value > most)
      throw invalid(`${place}/${one}: expected a number from ${least} to ${most}`)
  }
}

function checkLabels({ labels }: FleetGroup, place: string): void {
  for (const [name, given] of Object.entries(labels)) {
    if (!isLabelName(name)) throw invalid(`${place}/${name}: not a label name`)
    if ([given].flat().some((value) => Buffer.byteLength(value) > labelValueBytesMax))
      throw invalid(`${place}/${name}: longer than ${labelValueBytesMax} bytes`)
  }
}

/** Parameters are known to the model, and their values are of those that it takes. */
function checkParameters({ model, parameters }: FleetGroup, place: string): void {
  const known = findModel(model)!.parameters
  for (const [name, given] of Object.entries(parameters)) {
    if (!Object.hasOwn(known, name)) {
      const names = Object.keys(known).join(', ') || 'none'
      throw invalid(`${place}/${name}: ${model} has no such parameter; it has ${names}`)
    }
    const { takes } = known[name]!
    const wrong = [given].flat().findIndex((value) => !isTaken(value, takes))
    const at = Array.isArray(given) ? `${place}/${name}/${wrong}` : `${place}/${name}`
    if (wrong >= 0) throw invalid(`${at}: expected ${expected(takes)}`)
  }
}

function firstValues({
  model,
  id,
  parameters,
}: FleetMember): ReturnType<ReturnType<typeof model.create>['valuesAt']> {
  return model.create(0, id, { parameters }).valuesAt(checkedAtMs)
}

function invalid(message: string): TidemarkError {
  return new TidemarkError('TIDEMARK_SCENARIO_INVALID', message, { exitCode: 2 })
}
