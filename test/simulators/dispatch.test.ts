import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  assign,
  type DispatchEvent,
  type DispatchState,
  nothingDispatched,
  type Positions,
  repairMs,
} from '../../simulators/dispatch.ts'

const minuteMs = 60_000
const technicians = { anna: { xKm: 0, yKm: 0 }, ben: { xKm: 5, yKm: 0 }, cleo: { xKm: 9, yKm: 9 } }
const at = (xKm: number, yKm: number): Positions => ({ of: { xKm, yKm }, technicians })
const raised = (name: string, minute: number): DispatchEvent => ({
  id: `${name}-raised`,
  episode: name,
  device: name,
  state: 'raised',
  timeMs: minute * minuteMs,
})
const cleared = (name: string, minute: number): DispatchEvent => ({
  ...raised(name, minute),
  id: `${name}-cleared`,
  state: 'cleared',
})
const after = (events: readonly DispatchEvent[], positions = at(4, 0)) =>
  events.reduce((state, event) => assign(state, event, positions), nothingDispatched)
const jobOf = (state: DispatchState, name: string) => state.jobs[`${name}-raised`]

test('the nearest technician goes; when he has a job, the next nearest', () => {
  const state = after([raised('a', 0), raised('b', 1), raised('c', 2)])
  expect(['a', 'b', 'c'].map((name) => jobOf(state, name)?.technician)).toEqual(['ben', 'anna', 'cleo'])
})

test('he is free at exactly the end of the repair, by event time, and not before', () => {
  const one = [raised('a', 0), cleared('a', 10)]
  const freeMinute = 10 + repairMs / minuteMs
  expect(jobOf(after([...one, raised('b', freeMinute)]), 'b')?.technician).toBe('ben')
  expect(jobOf(after([...one, raised('b', freeMinute - 1)]), 'b')?.technician).toBe('anna')
})

test('who waits is served in order of event time, when the first is free', () => {
  const busy = [raised('a', 0), raised('b', 1), raised('c', 2)]
  const state = after([...busy, raised('e', 5), raised('d', 4), cleared('c', 10), cleared('a', 20)])
  expect(jobOf(state, 'd')).toMatchObject({ technician: 'cleo', assignedMs: 10 * minuteMs + repairMs })
  expect(jobOf(state, 'e')).toMatchObject({ technician: 'ben', assignedMs: 20 * minuteMs + repairMs })
  expect(jobOf(after([...busy, raised('d', 4)]), 'd')?.technician).toBeUndefined()
})

test('of two that were raised at one time the one with the smaller id is served first', () => {
  const busy = [raised('a', 0), raised('b', 1), raised('c', 2)]
  const state = after([...busy, raised('y', 4), raised('x', 4), cleared('c', 10)])
  expect(['x', 'y'].map((name) => jobOf(state, name)?.technician)).toEqual(['cleo', undefined])
})

test('what was cleared before he came is looked at all the same: he is free a repair after he came', () => {
  const busy = [raised('a', 0), raised('b', 1), raised('c', 2)]
  const state = after([...busy, raised('d', 4), cleared('d', 5), cleared('a', 10)])
  const cameMs = 10 * minuteMs + repairMs
  expect(jobOf(state, 'd')).toMatchObject({
    technician: 'ben',
    assignedMs: cameMs,
    freeMs: cameMs + repairMs,
  })
})

test('who is near is measured as the crow flies', () => {
  // Cleo is nearer along the one street, and 9 km away on the other.
  expect(jobOf(after([raised('a', 0)], at(8, 0)), 'a')?.technician).toBe('ben')
  expect(jobOf(after([raised('a', 0)], at(9, 5)), 'a')?.technician).toBe('cleo')
})

const places = fc.record({ x: fc.integer({ min: 0, max: 10 }), y: fc.integer({ min: 0, max: 10 }) })
/** Alarms that are raised and, most of them, cleared; told in any order, each once at least and some again and again. */
const deliveries = fc
  .array(
    fc.record({
      minute: fc.nat(300),
      lasts: fc.option(fc.integer({ min: 1, max: 120 })),
      place: places,
      again: fc.array(fc.nat(1_000), { maxLength: 3 }),
      order: fc.tuple(fc.nat(1_000), fc.nat(1_000)),
    }),
    { maxLength: 25 },
  )
  .map((alarms) =>
    alarms
      .flatMap(({ minute, lasts, place, again, order: [first, second] }, i) => {
        const up = { event: raised(`d${i}`, minute), place }
        const down = lasts === null ? [] : [{ event: cleared(`d${i}`, minute + lasts), place }]
        return [
          { ...up, order: first },
          ...down.map((one) => ({ ...one, order: second })),
          ...again.flatMap((order) => [up, ...down].map((one) => ({ ...one, order }))),
        ]
      })
      .sort((a, b) => a.order - b.order),
  )

test('whatever comes in whatever order and however often: nothing is given twice, nobody has two jobs at once, nobody idles while something waits', () => {
  fc.assert(
    fc.property(deliveries, (events) => {
      let state = nothingDispatched
      const givenTo = new Map<string, string>()
      for (const { event, place } of events) {
        const before = state
        state = assign(state, event, at(place.x, place.y))
        expect(assign(state, event, at(place.x, place.y))).toBe(state)
        for (const { event: id, technician } of Object.values(state.jobs)) {
          if (technician === undefined) continue
          expect(givenTo.get(id) ?? technician).toBe(technician)
          givenTo.set(id, technician)
        }
        expect(Object.keys(state.jobs)).toEqual(expect.arrayContaining(Object.keys(before.jobs)))
      }
      const ids = new Set(events.filter(({ event }) => event.state === 'raised').map(({ event }) => event.id))
      expect(new Set(Object.keys(state.jobs))).toEqual(ids)
      const jobs = Object.values(state.jobs)
      for (const name of Object.keys(technicians)) {
        const own = jobs
          .filter(({ technician }) => technician === name)
          .sort((a, b) => a.assignedMs! - b.assignedMs! || (a.freeMs ?? Infinity) - (b.freeMs ?? Infinity))
        for (const [i, job] of own.slice(0, -1).entries())
          expect(job.freeMs ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(own[i + 1]!.assignedMs!)
        const waits = jobs.some(({ technician }) => technician === undefined)
        if (waits) expect(own.some(({ freeMs }) => freeMs === undefined)).toBe(true)
      }
      for (const { assignedMs, raisedMs } of jobs)
        if (assignedMs !== undefined) expect(assignedMs).toBeGreaterThanOrEqual(raisedMs)
    }),
    { numRuns: 300 },
  )
})

test('once every alarm is cleared each has its technician', () => {
  fc.assert(
    fc.property(deliveries, (events) => {
      const ids = new Set(events.map(({ event }) => event.device))
      const all = [...events.map(({ event }) => event), ...[...ids].map((name) => cleared(name, 500))]
      expect(Object.values(after(all).jobs).filter(({ technician }) => technician === undefined)).toEqual([])
    }),
  )
})

test('told in order or told twice from the start: the same assignments', () => {
  fc.assert(
    fc.property(deliveries, (events) => {
      const once = after(events.map(({ event }) => event))
      expect(after([...events, ...events].map(({ event }) => event))).toEqual(once)
    }),
  )
})
