/** Where somebody or something is, km. */
export interface Position {
  readonly xKm: number
  readonly yKm: number
}

/** What of an event of the platform concerns a dispatcher. */
export interface DispatchEvent {
  /** Deterministic: the same on every delivery. */
  readonly id: string
  /** Of the alarm, the same of the event that raises it and of the one that clears it. */
  readonly episode: string
  readonly device: string
  readonly state: 'raised' | 'cleared'
  /** Event time, Unix ms. */
  readonly timeMs: number
}

/** Where everybody is at the time of an event. */
export interface Positions {
  readonly of: Position
  readonly technicians: Readonly<Record<string, Position>>
}

/** An event that was raised, and who goes. Times are event times, Unix ms. */
export interface Job {
  /** Id of the event. */
  readonly event: string
  readonly episode: string
  readonly device: string
  readonly raisedMs: number
  /** None while all have something to do. */
  readonly technician?: string
  readonly assignedMs?: number
  /** When he has repaired it; unknown until the alarm is cleared. */
  readonly freeMs?: number
}

/** All that a dispatcher remembers; plain JSON. */
export interface DispatchState {
  /** By the id of the event. */
  readonly jobs: Readonly<Record<string, Job>>
  /** When alarms were cleared, by episode. */
  readonly clearedMs: Readonly<Record<string, number>>
}

export const nothingDispatched: DispatchState = { jobs: {}, clearedMs: {} }

/** From the end of the alarm until the technician can go on. */
export const repairMs = 20 * 60_000

/**
 * The state after an event: one that was raised is given to the nearest technician who is free at its time, else waits for
 * one; one that was cleared frees its technician after the repair. An event that is known changes nothing, in whatever order
 * and however often it comes. Each job is given once and never taken back, and a technician's next one begins after his last.
 */
export function assign(state: DispatchState, event: DispatchEvent, positions: Positions): DispatchState {
  const { jobs, clearedMs } = state
  if (event.state === 'cleared') {
    if (clearedMs[event.episode] !== undefined) return state
    return serveQueue({ jobs, clearedMs: { ...clearedMs, [event.episode]: event.timeMs } })
  }
  if (jobs[event.id] !== undefined) return state
  const { id, episode, device, timeMs } = event
  const job: Job = { event: id, episode, device, raisedMs: timeMs }
  const names = Object.keys(positions.technicians).sort()
  const freeAt = new Map(names.map((name) => [name, freeFromMs(state, name)]))
  const distance = (name: string) => distanceKm(positions.technicians[name]!, positions.of)
  const [nearest] = names
    .filter((name) => freeAt.get(name)! <= timeMs)
    .sort((a, b) => distance(a) - distance(b))
  const given = nearest === undefined ? job : begun(job, nearest, timeMs, clearedMs)
  const known = { ...state, jobs: { ...jobs, [id]: given } }
  return serveQueue(known)
}

/** Gives what waits, the oldest first, to whoever is known to be free first: while anything waits, everybody has had a job. */
function serveQueue(state: DispatchState): DispatchState {
  let { jobs } = state
  jobs = Object.fromEntries(Object.entries(jobs).map(([id, job]) => [id, ended(job, state.clearedMs)]))
  for (;;) {
    const waiting = Object.values(jobs)
      .filter(({ technician }) => technician === undefined)
      .sort((a, b) => a.raisedMs - b.raisedMs || (a.event < b.event ? -1 : 1))[0]
    if (waiting === undefined) return { ...state, jobs }
    const known = new Set(Object.values(jobs).flatMap(({ technician }) => technician ?? []))
    const [first] = [...known]
      .map((name) => ({ name, fromMs: freeFromMs({ ...state, jobs }, name) }))
      .filter(({ fromMs }) => fromMs < Number.POSITIVE_INFINITY)
      .sort((a, b) => a.fromMs - b.fromMs || (a.name < b.name ? -1 : 1))
    if (first === undefined) return { ...state, jobs }
    const beginsMs = Math.max(waiting.raisedMs, first.fromMs)
    jobs = { ...jobs, [waiting.event]: begun(waiting, first.name, beginsMs, state.clearedMs) }
  }
}

function begun(job: Job, technician: string, assignedMs: number, clearedMs: DispatchState['clearedMs']): Job {
  return ended({ ...job, technician, assignedMs }, clearedMs)
}

/** What was cleared before he came still has to be looked at. */
function ended(job: Job, clearedMs: DispatchState['clearedMs']): Job {
  const atMs = clearedMs[job.episode]
  if (job.assignedMs === undefined || atMs === undefined || job.freeMs !== undefined) return job
  return { ...job, freeMs: Math.max(atMs, job.assignedMs) + repairMs }
}

/** From when a technician has nothing more to do; Infinity while nobody knows. */
function freeFromMs({ jobs }: DispatchState, name: string): number {
  return Object.values(jobs)
    .filter(({ technician }) => technician === name)
    .reduce((last, { freeMs = Number.POSITIVE_INFINITY }) => Math.max(last, freeMs), Number.NEGATIVE_INFINITY)
}

function distanceKm(a: Position, b: Position): number {
  return Math.hypot(a.xKm - b.xKm, a.yKm - b.yKm)
}
