import { expect, test } from 'vitest'
import { MessageIds } from '../../broker/message-ids.ts'

test('identifiers go around from 65,535 to 1 and leave out those in use', () => {
  const ids = new MessageIds()
  const client = { _nextId: 65_535 }
  ids.hold(client, 1)
  ids.hold(client, 3)
  expect([ids.take(client), ids.take(client), ids.take(client)]).toEqual([65_535, 2, 4])
  ids.release(client, 1)
  client._nextId = 65_535
  expect(ids.take(client)).toBe(1)
})

test('when all are in use there is none, until one is acknowledged', () => {
  const ids = new MessageIds()
  const client = { _nextId: 7 }
  for (let n = 0; n < 65_535; n++) ids.take(client)
  expect(ids.take(client)).toBeUndefined()
  ids.release(client, 300)
  expect(ids.take(client)).toBe(300)
  expect(ids.take({ _nextId: 7 })).toBe(7)
})
