import type { Truth } from '../truth.ts'
import type { RaisedEvent } from './events.ts'

/** What an event is worth: the first to tell of a truth, another rule that tells of it, the same rule again, or false. */
export type Worth = 'detection' | 'confirmation' | 'duplicate' | 'false'

export interface JudgedEvent {
  readonly event: RaisedEvent
  readonly worth: Worth
  /** The one that it tells of; none where it is false. */
  readonly truth?: Truth
}

/** What is judged, and when. Times in Unix ms. */
export interface ScoredSpan {
  readonly startMs: number
  readonly endMs: number
  /** Ids of the devices whose events count; those of groups of devices do besides. */
  readonly devices: readonly string[]
}

/**
 * Judges each event of the span, in order of event time: those before its start, of other devices, and those after its end
 * that match nothing are none of its. See "Score" in docs/SIMULATOR.md.
 */
export function judgeEvents(
  truths: readonly Truth[],
  events: readonly RaisedEvent[],
  span: ScoredSpan,
): JudgedEvent[] {
  const devices = new Set(span.devices)
  const byDevice = truthsByDevice(truths)
  const toldBy = new Map<Truth, Set<string>>()
  const judged: JudgedEvent[] = []
  for (const event of [...events].sort(byTime)) {
    if (event.timeMs < span.startMs || !(devices.has(event.device) || isGroup(event.device))) continue
    const truth = byDevice.get(event.device)?.find((one) => tellsOf(event, one))
    if (truth === undefined) {
      if (event.timeMs <= span.endMs) judged.push({ event, worth: 'false' })
      continue
    }
    const rules = toldBy.get(truth) ?? new Set()
    const worth = rules.size === 0 ? 'detection' : rules.has(event.rule) ? 'duplicate' : 'confirmation'
    judged.push({ event, worth, truth })
    toldBy.set(truth, rules.add(event.rule))
  }
  return judged
}

/** Whether `subject` names a group of devices (`site=berlin`); no device id has a `=`. */
export function isGroup(subject: string): boolean {
  return subject.includes('=')
}

/** The truths of each device in order of onset; those of one onset stay in the order of their file. */
export function truthsByDevice(truths: readonly Truth[]): Map<string, Truth[]> {
  const byDevice = new Map<string, Truth[]>()
  for (const truth of [...truths].sort((a, b) => a.onset - b.onset)) {
    const known = byDevice.get(truth.device)
    if (known === undefined) byDevice.set(truth.device, [truth])
    else known.push(truth)
  }
  return byDevice
}

function tellsOf({ rule, type, timeMs }: RaisedEvent, truth: Truth): boolean {
  const { expect, detectable_from, end, grace } = truth
  return (
    (expect.includes(rule) || expect.includes(type)) && timeMs >= detectable_from && timeMs <= end + grace
  )
}

function byTime(a: RaisedEvent, b: RaisedEvent): number {
  return a.timeMs - b.timeMs || (a.sequence < b.sequence ? -1 : 1)
}
