import { expect, test } from 'vitest'
import { Presence } from '../../broker/presence.ts'

function watchedPresence() {
  const changes: string[] = []
  const presence = new Presence<object>(
    (device, online) => void changes.push(`${online ? '+' : '-'}${device}`),
  )
  return { presence, changes }
}

test('the end of a connection that another has replaced tells nothing more', () => {
  const { presence, changes } = watchedPresence()
  const [first, second] = [{}, {}]
  presence.arrived('d1', first)
  presence.arrived('d1', second)
  presence.left('d1', first)
  expect([changes, presence.isOnline('d1')]).toEqual([['+d1', '-d1', '+d1'], true])
})

test('when all left, each device is told of once, also when its socket closes later', () => {
  const { presence, changes } = watchedPresence()
  const [first, second] = [{}, {}]
  presence.arrived('d1', first)
  presence.arrived('d2', second)
  presence.allLeft()
  presence.left('d1', first)
  presence.left('d2', second)
  expect([changes, presence.count()]).toEqual([['+d1', '+d2', '-d1', '-d2'], 0])
})
