import { expect, test } from 'vitest'
import { type OpenEvent, WebhookPlace } from '../../events/webhook-place.ts'

function placeWith(...open: readonly (readonly [offset: number, alarm: string])[]): WebhookPlace {
  const place = new WebhookPlace({ next: 0, open: [] }, 0)
  for (const [offset, alarm] of open) place.take(offset, alarm, 0)
  place.next = 10
  return place
}
const heads = (place: WebhookPlace) => [...place.heads()].map(({ offset }) => offset)
const headOf = (place: WebhookPlace, alarm: string): OpenEvent =>
  [...place.heads()].find((open) => open.alarm === alarm)!

test('of each alarm only the first open event may be sent, and none while it is in flight', () => {
  const place = placeWith([1, 'a'], [2, 'b'], [3, 'a'])
  expect(heads(place)).toEqual([1, 2])
  const first = headOf(place, 'a')
  first.isInFlight = true
  expect(heads(place)).toEqual([2])
  place.finish(first)
  expect(heads(place).sort()).toEqual([2, 3])
  expect(place.size).toBe(2)
})

test('everything below the oldest open event is finished, whatever is finished above it', () => {
  const place = placeWith([1, 'a'], [2, 'b'], [5, 'b'])
  expect(place.low).toBe(1)
  place.finish(headOf(place, 'b'))
  expect(place.low).toBe(1)
  place.finish(headOf(place, 'a'))
  expect(place.low).toBe(5)
  place.finish(headOf(place, 'b'))
  expect(place.low).toBe(10)
})

test('an event cannot be finished before an earlier one of its alarm', () => {
  const place = placeWith([1, 'a'], [2, 'a'])
  const first = headOf(place, 'a')
  place.finish(first)
  expect(() => place.finish(first)).toThrow('only the first')
})

test('what is kept is the same place again, with its attempts, due at once', () => {
  const place = placeWith([1, 'a'], [2, 'b'], [3, 'a'])
  const first = headOf(place, 'a')
  Object.assign(first, { attempts: 4, dueAt: 1_000, isInFlight: true })
  const kept = JSON.parse(JSON.stringify(place.kept()))
  const again = new WebhookPlace(kept, 50)
  expect([again.next, again.low, again.size]).toEqual([10, 1, 3])
  expect(headOf(again, 'a')).toEqual({
    ...{ offset: 1, alarm: 'a', takenAt: 0, attempts: 4, dueAt: 50, isInFlight: false },
  })
  expect(again.kept()).toEqual(kept)
})
