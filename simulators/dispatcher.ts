import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { DeliveredEvent } from '../domain/event.ts'
import { delay } from '../lib/clock.ts'
import type { ApiClient } from './api-client.ts'
import {
  assign,
  type DispatchEvent,
  type DispatchState,
  type Job,
  nothingDispatched,
  type Position,
  type Positions,
} from './dispatch.ts'
import { operatorClient } from './operator-client.ts'
import type { Plan } from './plan.ts'
import { settled } from './score/settled.ts'

export interface DispatcherOptions {
  readonly api: ApiClient
  /** Holds its offset and its assignments, written together. */
  readonly file: string
  /** Whether an event is of this run. */
  readonly isOwn: (event: DispatchEvent) => boolean
  /** Ids of those who can be sent. */
  readonly technicians: readonly string[]
  /** Resolves when the broker has the command. Sent again it is the same command: its id is that of the event. */
  readonly send: (technician: string, command: string, job: Job) => Promise<unknown>
}

interface Kept {
  /** Sequence of the last event that is in `state`. */
  readonly after: string
  readonly state: DispatchState
  /** Events whose technician has been told. */
  readonly told: readonly string[]
}

/** What came of it; figures of a run. */
export interface DispatchFigures {
  /** Events whose command went to more than one technician. */
  readonly assignedTwice: number
  /** Events that were raised and of which no technician was told. */
  readonly unassigned: number
}

const pageSize = 200
const pollMs = 200
/** A technician reports once in this time: of any moment there is one reading that says where he was. */
const positionEveryMs = 60_000
/** The store may be behind the events. */
const positionWaitMsMax = 10_000
const observedMsMax = 5_000

/**
 * Takes the events that came since the last time, or those after `from` once more, and sends technicians. Keeps nothing in memory: wherever it is ended,
 * the next call goes on. Resolves with the sequence of the last event, if there was any.
 */
export async function dispatchOnce(options: DispatcherOptions, from?: string): Promise<string | undefined> {
  const { api, file, isOwn, send, technicians } = options
  const kept = keptIn(file)
  const path = `/events?after=${from ?? kept.after}&limit=${pageSize}`
  const { items } = await api.request<{ items: readonly DeliveredEvent[] }>('GET', path)
  let { state } = kept
  for (const delivered of items) {
    const event = dispatchEvent(delivered)
    if (event === undefined || !isOwn(event)) continue
    const needsPlace = event.state === 'raised' && state.jobs[event.id] === undefined
    state = assign(state, event, needsPlace ? await positionsAt(api, event, technicians) : nowhere)
  }
  const last = items.at(-1)?.sequence
  // Of 20 digits each, but for the first.
  const after = last !== undefined && Number(last) > Number(kept.after) ? last : kept.after
  // First kept, then told: who ends in between tells the same ones again.
  keep(file, { ...kept, after, state })
  const told = new Set(kept.told)
  for (const job of Object.values(state.jobs)) {
    if (job.technician === undefined || told.has(job.event)) continue
    await send(job.technician, job.event, job)
    told.add(job.event)
    keep(file, { after, state, told: [...told] })
  }
  return last
}

/** A dispatcher for the time of a run, begun anew at every look, and somebody who counts which technician was told what. */
export async function dispatchDuring(
  { api, mqttUrl, plan, file, settleMs, interrupted }: DispatchOptions,
  over: AbortSignal,
): Promise<DispatchFigures | undefined> {
  const client = await operatorClient(mqttUrl, api.token, 'devices/+/commands/+')
  if (client === undefined) return undefined
  const toldOf = new Map<string, Set<string>>()
  client.on('message', (topic) => {
    const [, technician = '', , command = ''] = topic.split('/')
    toldOf.set(command, (toldOf.get(command) ?? new Set()).add(technician))
  })
  const devices = new Set(plan.devices.map(({ id }) => id))
  const isOwn = ({ device, timeMs }: DispatchEvent) => devices.has(device) && timeMs >= plan.startMs
  const send = (technician: string, command: string, { device, raisedMs }: Job) => {
    const order = JSON.stringify({ device, raised: new Date(raisedMs).toISOString() })
    return client.publishAsync(`devices/${technician}/commands/${command}`, order, { qos: 1 })
  }
  const technicians = plan.devices.filter(({ labels }) => labels.role === 'technician').map(({ id }) => id)
  const dispatcher = { api, file, isOwn, send, technicians }
  try {
    while (!over.aborted) {
      // A platform that is down for a while is asked again.
      await dispatchOnce(dispatcher).catch(() => undefined)
      await delay(pollMs, over)
    }
    if (interrupted.aborted) return undefined
    await settled(api, settleMs)
    while ((await dispatchOnce(dispatcher)) !== undefined);
    // And all of it once more, as after a restart from nothing but the assignments.
    for (let from: string | undefined = '0'; from !== undefined; ) from = await dispatchOnce(dispatcher, from)
    const raised = Object.keys(keptIn(file).state.jobs)
    const isTold = () => keptIn(file).told.every((event) => toldOf.has(event))
    const untilMs = performance.now() + observedMsMax
    while (!isTold() && !interrupted.aborted && performance.now() < untilMs) await delay(pollMs)
    return {
      assignedTwice: [...toldOf.values()].filter(({ size }) => size > 1).length,
      unassigned: raised.filter((event) => !toldOf.has(event)).length,
    }
  } finally {
    await client.endAsync(true)
  }
}

export interface DispatchOptions {
  readonly api: ApiClient
  readonly mqttUrl: string
  readonly plan: Plan
  readonly file: string
  readonly settleMs: number
  /** A run that was ended early has no figures. */
  readonly interrupted: AbortSignal
}

function dispatchEvent({ id, time, data }: DeliveredEvent): DispatchEvent | undefined {
  const { state, device, alarm, since } = data
  if (state !== 'raised' && state !== 'cleared') return undefined
  return { id, episode: `${alarm}/${since}`, device, state, timeMs: Date.parse(time) }
}

const nowhere: Positions = { of: { xKm: 0, yKm: 0 }, technicians: {} }

/** Where the device stands by its labels, and where each technician was at the time of the event by his readings. */
async function positionsAt(
  api: ApiClient,
  { device, timeMs }: DispatchEvent,
  technicians: readonly string[],
): Promise<Positions> {
  const { labels } = await api.request<{ labels: Record<string, string> }>('GET', `/devices/${device}`)
  const of = { xKm: Number(labels.x_km), yKm: Number(labels.y_km) }
  const untilMs = performance.now() + positionWaitMsMax
  for (;;) {
    const found = await Promise.all(technicians.map((id) => positionAt(api, id, timeMs)))
    const known = technicians.flatMap((id, i) => (found[i] === undefined ? [] : [[id, found[i]] as const]))
    if (known.length === technicians.length || performance.now() > untilMs)
      return { of, technicians: Object.fromEntries(known) }
    await delay(pollMs)
  }
}

async function positionAt(api: ApiClient, id: string, timeMs: number): Promise<Position | undefined> {
  const path = `/readings?device=${id}&metric=x_km,y_km&from=${timeMs - positionEveryMs + 1}&to=${timeMs + 1}`
  const { items } = await api.request<{ items: readonly { values: { x_km: number; y_km: number } }[] }>(
    'GET',
    path,
  )
  const last = items.at(-1)?.values
  return last === undefined ? undefined : { xKm: last.x_km, yKm: last.y_km }
}

function keptIn(file: string): Kept {
  if (!existsSync(file)) return { after: '0', state: nothingDispatched, told: [] }
  return JSON.parse(readFileSync(file, 'utf8')) as Kept
}

/** All of it or nothing: renaming is atomic. */
function keep(file: string, kept: Kept): void {
  writeFileSync(`${file}.new`, JSON.stringify(kept))
  renameSync(`${file}.new`, file)
}
