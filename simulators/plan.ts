import { type PlannedFault, planFaults } from './fault-plan.ts'
import { sensedValues } from './faults/sensor-faults.ts'
import { transmissions } from './faults/transport-faults.ts'
import { type FleetMember, fleetOf } from './fleet.ts'
import type { SimulatedDevice } from './models/model.ts'
import type { FaultEntry, Scenario } from './scenario.ts'
import type { Reading, Transmission } from './transmission.ts'
import type { Truth } from './truth.ts'

/** A device of a run: what it is registered as, and what it does on its connection. */
export interface PlannedDevice {
  readonly id: string
  readonly type: string
  readonly labels: Readonly<Record<string, string>>
  readonly intervalMs: number
  /** What is so at a time, whatever its sensor shows of it. */
  readonly valuesAt: SimulatedDevice['valuesAt']
  /** In order of the time at which they are due; a new iteration begins again. */
  transmissions(): Iterator<Transmission>
}

/** All that will happen in a run, decided before it begins. */
export interface Plan {
  readonly scenario: string
  readonly seed: number
  /** Virtual time, Unix ms. */
  readonly startMs: number
  readonly endMs: number
  readonly devices: readonly PlannedDevice[]
  readonly truths: readonly Truth[]
  /** Faults of the scenario that could not have been told of before the end. */
  readonly faultsLeftOut: number
}

export interface PlanOptions {
  readonly seed: number
  readonly startMs: number
  /** Virtual time of the whole, ms. */
  readonly lengthMs: number
  /** Instead of the scenario's own number. */
  readonly devices?: number | undefined
  /** Beyond the scenario's own: of a preset or a fault file. */
  readonly faults?: readonly FaultEntry[]
  /** Before every device id. */
  readonly prefix?: string | undefined
}

/** Decides a run: a pure function of scenario, seed, start and length. Throws TIDEMARK_SCENARIO_INVALID (exit code 2). */
export function planRun(scenario: Scenario, options: PlanOptions): Plan {
  const { seed, startMs } = options
  const endMs = startMs + options.lengthMs
  const fleet = fleetOf(scenario, seed, options.devices, options.prefix)
  const entries = [...scenario.faults, ...(options.faults ?? [])]
  const planned = planFaults(entries, fleet, { seed, startMs, endMs, hasMetric: metricsAt(seed, startMs) })
  const devices: PlannedDevice[] = []
  const truths: Truth[] = []
  let faultsLeftOut = 0
  for (const member of fleet) {
    const { device, faults, seen } = deviceWith(member, planned.get(member.id)!, seed, endMs)
    faultsLeftOut += planned.get(member.id)!.length - faults.length
    truths.push(...seen)
    devices.push({
      id: member.id,
      type: member.model.type,
      labels: member.labels,
      intervalMs: member.intervalMs,
      valuesAt: (timeMs) => device.valuesAt(timeMs),
      transmissions: () => transmissionsOf(member, device, faults, { seed, startMs, endMs }),
    })
  }
  return { scenario: scenario.name, seed, startMs, endMs, devices, truths: inOrder(truths), faultsLeftOut }
}

/** In order of onset; of what fails together one truth, which can be told of when the first of its devices shows it. */
function inOrder(truths: readonly Truth[]): Truth[] {
  const byId = new Map<string, Truth>()
  for (const truth of truths) {
    const same = byId.get(truth.id)
    if (same === undefined || truth.detectable_from < same.detectable_from) byId.set(truth.id, truth)
  }
  return [...byId.values()].sort((a, b) => a.onset - b.onset || (a.id < b.id ? -1 : 1))
}

/** The device with those of its faults that can be told of before the end. */
function deviceWith(member: FleetMember, planned: readonly PlannedFault[], seed: number, endMs: number) {
  const { model, id, parameters } = member
  const create = (of: readonly PlannedFault[]) => {
    const faults = of.map(({ fault }) => fault).filter((fault) => fault.class === 'process')
    return model.create(seed, id, { faults, parameters })
  }
  const whole = create(planned)
  const truthOf = (one: PlannedFault): Truth => truth(one, whole)
  const told = planned.filter((one) => truthOf(one).detectable_from < endMs)
  const device = told.length === planned.length ? whole : create(told)
  return { device, faults: told, seen: told.map(truthOf) }
}

function truth({ fault, expect, graceMs, group }: PlannedFault, device: SimulatedDevice): Truth {
  const consequence = fault.class === 'process' ? device.consequenceOf?.(fault) : undefined
  return {
    id: group === undefined ? fault.id : fault.id.replace(fault.device, group),
    device: group ?? fault.device,
    kind: fault.kind,
    class: fault.class,
    severity: fault.severity,
    onset: fault.onsetMs,
    detectable_from: consequence?.detectableFromMs ?? fault.onsetMs,
    failure: consequence?.failureMs ?? null,
    warn_by: consequence?.warnByMs ?? null,
    end: fault.endMs,
    grace: graceMs,
    expect,
    ...(fault.metric !== undefined && { metric: fault.metric }),
  }
}

interface Span {
  readonly seed: number
  readonly startMs: number
  readonly endMs: number
}

function transmissionsOf(
  member: FleetMember,
  device: SimulatedDevice,
  planned: readonly PlannedFault[],
  span: Span,
): Iterator<Transmission> {
  const { intervalMs } = member
  const faults = planned.map(({ fault }) => fault)
  const sensor = faults.filter((fault) => fault.class === 'sensor')
  const transport = faults.filter((fault) => fault.class === 'transport')
  const readings = readingsOf(member, device, sensor, span)
  return transmissions(member.id, readings, transport, { seed: span.seed, intervalMs })
}

function* readingsOf(
  { intervalMs, phaseMs }: FleetMember,
  device: SimulatedDevice,
  faults: Parameters<typeof sensedValues>[1],
  { seed, startMs, endMs }: Span,
): Generator<{ dueMs: number; reading: Reading }> {
  for (let ts = startMs + phaseMs, seq = 1; ts < endMs; ts += intervalMs, seq++) {
    const values = faults.length === 0 ? device.valuesAt(ts) : sensedValues(device, faults, seed, ts)
    yield { dueMs: ts, reading: { seq, ts, values } }
  }
}

/** What a device of a model measures, asked for once for each model. */
function metricsAt(seed: number, startMs: number) {
  const known = new Map<string, ReadonlySet<string>>()
  return ({ id, model, parameters }: FleetMember, metric: string): boolean => {
    const key = `${model.name}/${JSON.stringify(parameters)}`
    let metrics = known.get(key)
    if (metrics === undefined) {
      metrics = new Set(Object.keys(model.create(seed, id, { parameters }).valuesAt(startMs)))
      known.set(key, metrics)
    }
    return metrics.has(metric)
  }
}
