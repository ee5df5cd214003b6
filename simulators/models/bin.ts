import { randomAt } from '../../lib/prng.ts'
import type { Fault } from '../faults/fault.ts'
import { type DeviceModel, dayMs, epochMs, signalKey } from './model.ts'

/** Orders come day and night, one in each of as many equal parts of the day as there are orders a day. */
const ordersADay = { least: 60, most: 120 } as const
/** From an order to its pick: less than such a part. Picks are in the order of the orders. */
const pickMs = { least: 60_000, most: 240_000 } as const
/** What it holds when it is full; it is filled as soon as it is empty. */
const capacity = 40
const tareG = 1_200

interface Flow {
  readonly orderKey: number
  readonly pickKey: number
  readonly perDay: number
}

/**
 * A bin of a warehouse that counts since 2000 what was ordered out of it and what was picked, one item each, and weighs what is left.
 * After both faults somebody puts the books right: the order that was overlooked is picked, an order is written for the pick that had none.
 */
export const bin: DeviceModel = {
  name: 'bin',
  type: 'generic',
  description: 'bin of a warehouse: items ordered and picked since 2000, weight of what is left',
  intervalMs: 60_000,
  faults: ['pick_missed', 'miscount'],
  parameters: { item_g: { is: 'weight of an item, g; 50 to 500, drawn', takes: { from: 1, to: 100_000 } } },
  create: (seed, id, { faults = [], parameters = {} } = {}) => {
    const drawn = (signal: string) => randomAt(signalKey(seed, id, signal), 0)
    const flow: Flow = {
      orderKey: signalKey(seed, id, 'order'),
      pickKey: signalKey(seed, id, 'pick'),
      perDay: Math.round(ordersADay.least + (ordersADay.most - ordersADay.least) * drawn('per day')),
    }
    const itemG = Number(parameters.item_g ?? Math.round(50 + 450 * drawn('item')))
    return {
      id,
      type: 'generic',
      valuesAt: (timeMs) => {
        let ordered = countAt(flow, timeMs, orderedMs)
        let picked = countAt(flow, timeMs, pickedMs)
        for (const fault of faults) {
          if (fault.kind === 'miscount' && timeMs >= fault.onsetMs) picked++
          if (fault.kind === 'miscount' && timeMs >= fault.endMs) ordered++
          if (fault.kind === 'pick_missed' && timeMs >= missedPickMs(flow, fault) && timeMs < fault.endMs)
            picked--
        }
        const stock = capacity - (picked % capacity)
        return { ordered_items: ordered, picked_items: picked, weight_g: tareG + itemG * stock }
      },
      consequenceOf: (fault) => ({
        detectableFromMs:
          fault.kind === 'miscount' ? fault.onsetMs : Math.min(missedPickMs(flow, fault), fault.endMs),
      }),
    }
  },
}

/** When the order of this number, counted from 2000, came. */
function orderedMs({ orderKey, perDay }: Flow, order: number): number {
  return epochMs + Math.round(((order + randomAt(orderKey, order)) * dayMs) / perDay)
}

function pickedMs(flow: Flow, order: number): number {
  const tookMs = pickMs.least + (pickMs.most - pickMs.least) * randomAt(flow.pickKey, order)
  return orderedMs(flow, order) + Math.round(tookMs)
}

/** When the first order since the onset would have been picked. */
function missedPickMs(flow: Flow, { onsetMs }: Fault): number {
  return pickedMs(flow, countAt(flow, onsetMs, orderedMs))
}

/** For how many orders since 2000 the step was done by `timeMs`. */
function countAt(flow: Flow, timeMs: number, doneMs: typeof orderedMs): number {
  const part = Math.floor(((timeMs - epochMs) * flow.perDay) / dayMs)
  // Those of the parts before the last one are done.
  let count = Math.max(0, part - 1)
  while (doneMs(flow, count) <= timeMs) count++
  return count
}
