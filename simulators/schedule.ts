import TinyQueue from 'tinyqueue'
import type { Plan } from './plan.ts'
import type { Transmission } from './transmission.ts'

interface Next {
  readonly transmission: Transmission
  readonly of: Iterator<Transmission>
  /** Of the device in the plan: which of two that are due at one time is first. */
  readonly rank: number
}

/** All transmissions of a plan in order of the time at which they are due; of one time in the order of the plan's devices. */
export function* scheduled({ devices }: Plan): Generator<Transmission> {
  const queue = new TinyQueue<Next>(
    [],
    (a, b) => a.transmission.dueMs - b.transmission.dueMs || a.rank - b.rank,
  )
  const pushNext = (of: Iterator<Transmission>, rank: number) => {
    const { value, done } = of.next()
    if (!done) queue.push({ transmission: value, of, rank })
  }
  for (const [rank, device] of devices.entries()) pushNext(device.transmissions(), rank)
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    yield next.transmission
    pushNext(next.of, next.rank)
  }
}
