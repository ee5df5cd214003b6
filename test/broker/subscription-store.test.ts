import { expect, test } from 'vitest'
import { noSubscriptions, SubscriptionStore } from '../../broker/subscription-store.ts'
import { upTo } from './raw-client.ts'

test('10,000 sessions without subscriptions are remembered; the longest without is forgotten first', () => {
  const store = new SubscriptionStore()
  for (const n of upTo(10_000)) expect(store.resume(`c${n}`)).toEqual([])
  expect(store.resume('c1')).toEqual([noSubscriptions])
  expect(store.resume('c10001')).toEqual([])
  expect(store.resume('c2')).toEqual([])
  expect(store.resume('c1')).toEqual([noSubscriptions])
})

test('a session that ends leaves nothing', () => {
  const store = new SubscriptionStore()
  store.resume('c')
  store.add('c', [{ topic: 'a/+', qos: 1 }])
  expect(store.resume('c')).toMatchObject([{ topic: 'a/+', qos: 1 }])
  expect(store.matching('a/b')).toEqual([{ clientId: 'c', qos: 1 }])
  store.end('c')
  expect([store.resume('c'), store.matching('a/b')]).toEqual([[], []])
})
