import { expect, test } from 'vitest'
import { ReceiptOrder } from '../../broker/receipt-order.ts'

const nextTurn = () => new Promise(setImmediate)

/** PUBRECs as they are written: in the call for what is routed, after it in the same tick for the rest. */
function setUp() {
  const order = new ReceiptOrder<object>()
  const client = {}
  const written: number[] = []
  const place = (id: number, isRouted: boolean) => {
    const release = order.take(client, id, isRouted)
    return isRouted
      ? () => order.routed(client, id, () => void written.push(id))
      : () => release(() => void Promise.resolve().then(() => written.push(id)))
  }
  return { order, place, written }
}

test('what is ready waits for what came before it, whichever way that goes', async () => {
  const { place, written } = setUp()
  const kinds = [true, false, true, false, false, true]
  const ready = kinds.map((isRouted, i) => place(i + 1, isRouted))
  for (const at of [2, 4, 5, 1]) ready[at]!()
  await nextTurn()
  expect(written).toEqual([])
  ready[0]!()
  ready[3]!()
  await expect.poll(() => written).toEqual([1, 2, 3, 4, 5, 6])
})

test('many that are ready in one tick', async () => {
  const { place, written } = setUp()
  const ready = Array.from({ length: 20 }, (_, i) => place(i, i % 3 === 0))
  for (const go of ready.filter((_, i) => i % 3 === 0)) go()
  for (const go of ready.filter((_, i) => i % 3 !== 0)) go()
  await expect.poll(() => written).toEqual(ready.map((_, i) => i))
})

test('what has no place goes at once', () => {
  const { order, place, written } = setUp()
  place(1, false)
  order.routed({}, 7, () => void written.push(7))
  expect(written).toEqual([7])
})
