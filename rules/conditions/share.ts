import { z } from 'zod'
import type { Condition, ShareCondition } from '../rule.ts'
import { type ConditionKind, outcomes } from './condition.ts'
import { limit } from './fields.ts'
import { deadlineOf, Inner, type InnerState, needsOf } from './inner.ts'
import { windowDuration } from './window-duration.ts'

/** Stretches of time that one state remembers: docs/RULES.md, "share". */
const stretchesMax = 10_000

export interface ShareState {
  inner: InnerState
  /** Start and end of each stretch of time, past and within the window, in which the inner condition held; oldest first. */
  stretches: number[]
  /** Length of all of them. */
  heldMs: number
  /** Start of the stretch that is not over. */
  since: number | null
  share: number
}

const fields = z.strictObject({
  kind: z.literal('share'),
  window: windowDuration,
  above: limit.refine((given) => {
    const share = typeof given === 'number' ? given : given.default
    return share >= 0 && share < 1
  }, 'expected a share: at least 0, less than 1'),
})

/** For how much of a window the inner condition held: docs/RULES.md, "share". */
export const share = (inner: z.ZodType<Condition>): ConditionKind<ShareCondition, ShareState> => ({
  schema: fields.extend({ of: inner }),
  reads: () => [],
  inner: ({ of }) => [{ path: ['of'], condition: of }],
  compile: ({ of, window, above }, context) => {
    const inners = [new Inner(context.compile(of))] as const
    // A label may say 0s.
    const windowMs = Math.max(context.duration(window), 1)
    const threshold = context.limit(above)
    let hasChanged = false
    return {
      ...needsOf(inners),
      ...deadlineOf<ShareState>(inners, (state) => [state.inner]),
      threshold,
      initial: (beginning) => ({
        inner: inners[0].initial(beginning),
        stretches: [],
        heldMs: 0,
        since: null,
        share: 0,
      }),
      step: (state, input) => {
        // With nothing in the window that held, nothing moves until it holds.
        const wasIdle = state.share === 0 && state.since === null && state.stretches.length === 0
        state.inner = inners[0].step(state.inner, input)
        note(state, input.time)
        state.share = heldWithin(state, input.time, windowMs) / windowMs
        hasChanged = inners[0].hasChanged || !wasIdle
        return state.share > threshold ? outcomes.met : outcomes.cleared
      },
      hasChanged: () => hasChanged,
      value: ({ share }) => share,
    }
  },
})

/** Begins or ends a stretch at `time`, where the inner condition does. */
function note(state: ShareState, time: number): void {
  if (state.inner.holds) {
    state.since ??= time
  } else if (state.since !== null) {
    if (time > state.since) add(state, state.since, time)
    state.since = null
  }
}

function add(state: ShareState, start: number, end: number): void {
  const { stretches } = state
  stretches.push(start, end)
  state.heldMs += end - start
  if (stretches.length <= 2 * stretchesMax) return
  // The oldest moves up to the one after it: its length still counts, and for longer rather than for less.
  stretches[2]! -= stretches[1]! - stretches[0]!
  stretches.splice(0, 2)
}

/** Time in (time − window, time] during which the inner condition held; forgets what lies before. */
function heldWithin(state: ShareState, time: number, windowMs: number): number {
  const { stretches } = state
  const startMs = time - windowMs
  while (stretches.length > 0 && stretches[1]! <= startMs) {
    state.heldMs -= stretches[1]! - stretches[0]!
    stretches.splice(0, 2)
  }
  const outside = stretches.length > 0 ? Math.max(startMs - stretches[0]!, 0) : 0
  const current = state.since === null ? 0 : time - Math.max(state.since, startMs)
  return state.heldMs - outside + current
}
