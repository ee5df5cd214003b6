import { expect, test } from 'vitest'
import { commandStatuses, hasEnded, mayFollow } from '../../domain/command.ts'

test('a status only moves on, and what has ended stays as it is', () => {
  const followers = commandStatuses.map((status) => commandStatuses.filter((next) => mayFollow(status, next)))
  const ends = ['succeeded', 'failed', 'expired', 'cancelled']
  expect(followers).toEqual([
    ['sent', 'delivered', 'acknowledged', ...ends],
    ['delivered', 'acknowledged', ...ends],
    ['acknowledged', ...ends],
    ends,
    ...ends.map(() => []),
  ])
  expect(commandStatuses.filter(hasEnded)).toEqual(ends)
})
