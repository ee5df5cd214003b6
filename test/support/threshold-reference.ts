/**
 * Episodes of a threshold rule, calculated straight from the definition over a whole recording: an oracle that shares no
 * code and no method with the rules engine, which steps a state machine reading by reading.
 */
export interface ThresholdReference {
  readonly above?: number
  readonly below?: number
  readonly outside?: readonly [number, number]
  /** Number beside above and below, [low, high] beside outside. */
  readonly clear?: number | readonly [number, number]
  readonly forMs: number
  readonly keepForMs: number
}

export interface Episode {
  /** Event time of the first reading over the limit, Unix ms. */
  readonly since: number
  /** Of the reading that shows it has held for `forMs`. */
  readonly raisedAt: number
  /** Of the reading that shows it has been normal for `keepForMs`; undefined while it has not. */
  readonly clearedAt: number | undefined
}

/** `readings` in order of time. */
export function thresholdEpisodes(
  rule: ThresholdReference,
  readings: readonly { readonly ts: number; readonly value: number }[],
): Episode[] {
  const over = readings.map(({ value }) => isOver(rule, value))
  const past = readings.map(({ value }) => isPastClear(rule, value))
  const episodes: Episode[] = []
  for (let from = 0; from < readings.length; ) {
    const raised = firstHeld(readings, over, from, rule.forMs)
    if (raised === undefined) break
    const cleared = firstHeld(readings, past, raised.shown + 1, rule.keepForMs)
    episodes.push({
      since: readings[raised.began]!.ts,
      raisedAt: readings[raised.shown]!.ts,
      clearedAt: cleared === undefined ? undefined : readings[cleared.shown]!.ts,
    })
    from = cleared === undefined ? readings.length : cleared.shown + 1
  }
  return episodes
}

/** The first unbroken run of true at or after `from` that lasts `heldMs`: where it began, and which reading showed it. */
function firstHeld(
  readings: readonly { readonly ts: number }[],
  holds: readonly boolean[],
  from: number,
  heldMs: number,
): { began: number; shown: number } | undefined {
  for (let shown = from; shown < readings.length; shown++) {
    if (!holds[shown]) continue
    let began = shown
    while (began > from && holds[began - 1]) began--
    if (readings[shown]!.ts - readings[began]!.ts >= heldMs) return { began, shown }
  }
  return undefined
}

function isOver({ above, below, outside }: ThresholdReference, value: number): boolean {
  if (above !== undefined) return value > above
  if (below !== undefined) return value < below
  return value < outside![0] || value > outside![1]
}

function isPastClear(rule: ThresholdReference, value: number): boolean {
  const { above, below, clear } = rule
  if (clear === undefined) return !isOver(rule, value)
  if (above !== undefined) return value <= (clear as number)
  if (below !== undefined) return value >= (clear as number)
  const [low, high] = clear as readonly [number, number]
  return value >= low && value <= high
}
