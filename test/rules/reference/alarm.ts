import type { Severity } from '../../../domain/event.ts'
import type { Value } from '../../../domain/profile.ts'
import type { Rule } from '../../../rules/rule.ts'
import { type Judgement, msOf, usualIntervalMs } from './judgement.ts'
import { isInSchedule } from './schedule.ts'
import type { Transition } from './world.ts'

/** What the alarm is shown: a judgement at a time, or that the clock of its device has reached one. */
export interface AlarmInput {
  readonly kind: 'reading' | 'tick' | 'connected' | 'disconnected' | 'clock'
  readonly time: number
  readonly at: number
  /** Of a clock, the last one. */
  readonly judgement: Judgement
  /** Whether `raised` and `escalated` are withheld at a time. */
  readonly isSilenced: (time: number) => boolean
  /** When what people keep quiet may end. */
  readonly silenceEnds: readonly number[]
  /** Of an absence that is there: since which time nothing has come. */
  readonly silentSince: number | undefined
}

type State = 'normal' | 'pending' | 'active' | 'recovering'

interface Alarm {
  readonly state: State
  readonly since: number
  readonly activeSince: number
  readonly recoveringSince: number
  readonly isAnnounced: boolean
  readonly severity: Severity
  /** How many steps of `escalate` it has taken. */
  readonly steps: number
}

export interface AlarmHistory {
  readonly transitions: readonly Transition[]
  /** The state after each arrival at which something was evaluated. */
  readonly states: readonly { readonly at: number; readonly state: State }[]
}

/** The table of docs/RULES.md, "From condition to alarm", walked for one rule and device. */
export function alarmHistory(
  rule: Rule,
  device: string,
  labels: Readonly<Record<string, string>>,
  inputs: readonly AlarmInput[],
): AlarmHistory {
  const forMs = msOf(rule.for, labels)
  const afterMs = rule.escalate.map(({ after }) => msOf(after, labels))
  const transitions: Transition[] = []
  const states: { at: number; state: State }[] = []
  let alarm: Alarm = normal(rule)
  let shownAt = Number.NEGATIVE_INFINITY
  const show = (time: number, judgement: Judgement, { isSilenced, at }: AlarmInput) => {
    const isOutside = rule.schedule !== undefined && !isInSchedule(rule.schedule, time)
    const outcome = isOutside ? 'cleared' : judgement.outcome
    const next = judged(alarm, outcome, time, forMs, msOf(rule.keepFor, labels), rule)
    const escalated = escalatedAt(alarm, next, time, rule, afterMs)
    const said = announced(alarm, escalated, isSilenced(time))
    const severity = said === 'cleared' ? alarm.severity : escalated.severity
    const { since } = said === 'cleared' ? alarm : escalated
    if (said !== undefined) {
      transitions.push({ device, transition: said, time, since, value: judgement.value, severity })
    }
    shownAt = time
    alarm = { ...escalated, isAnnounced: escalated.isAnnounced || said === 'raised' }
    states.push({ at, state: alarm.state })
  }
  inputs.forEach((input, i) => {
    const before = inputs[i - 1]
    while (before?.silentSince !== undefined) {
      const deadline = Math.min(
        deadlineOf(alarm, forMs, afterMs) ?? Number.POSITIVE_INFINITY,
        announcementOf(alarm, shownAt, input),
      )
      if (deadline > input.time) break
      if (deadline === input.time && input.kind !== 'clock') break
      const value: Value = (deadline - before.silentSince) / 1000
      show(deadline, { outcome: 'met', value }, input)
    }
    if (input.kind === 'clock') return
    const isReset = rule.gaps === 'reset' && input.kind === 'reading' && isAfterGap(inputs, i)
    if (isReset && alarm.state === 'pending') alarm = normal(rule)
    show(input.time, input.judgement, input)
  })
  return { transitions, states }
}

function normal({ severity }: Rule): Alarm {
  return {
    state: 'normal',
    since: 0,
    activeSince: 0,
    recoveringSince: 0,
    isAnnounced: false,
    severity,
    steps: 0,
  }
}

const isUp = ({ state }: Alarm) => state === 'active' || state === 'recovering'

function judged(
  alarm: Alarm,
  outcome: Judgement['outcome'],
  time: number,
  forMs: number,
  keepForMs: number,
  rule: Rule,
): Alarm {
  if (!isUp(alarm)) {
    if (outcome !== 'met') return normal(rule)
    const since = alarm.state === 'pending' ? alarm.since : time
    if (time - since >= forMs) return { ...alarm, state: 'active', since, activeSince: time }
    return { ...alarm, state: 'pending', since }
  }
  if (outcome !== 'cleared') return { ...alarm, state: 'active' }
  const recoveringSince = alarm.state === 'recovering' ? alarm.recoveringSince : time
  if (time - recoveringSince >= keepForMs) return normal(rule)
  return { ...alarm, state: 'recovering', recoveringSince }
}

function escalatedAt(
  before: Alarm,
  next: Alarm,
  time: number,
  rule: Rule,
  afterMs: readonly number[],
): Alarm {
  if (!isUp(before) || !isUp(next)) return next
  const steps = afterMs.filter((ms) => time - before.activeSince >= ms).length
  if (steps <= before.steps) return next
  return { ...next, steps, severity: rule.escalate[steps - 1]!.severity }
}

function announced(before: Alarm, now: Alarm, isSilenced: boolean): Transition['transition'] | undefined {
  if (isUp(before) && !isUp(now)) return before.isAnnounced ? 'cleared' : undefined
  if (isSilenced || !isUp(now)) return undefined
  if (!now.isAnnounced) return now.state === 'active' ? 'raised' : undefined
  return now.steps > before.steps ? 'escalated' : undefined
}

/** When the clock alone changes the alarm of an absence. */
function deadlineOf(alarm: Alarm, forMs: number, afterMs: readonly number[]): number | undefined {
  if (alarm.state === 'pending') return alarm.since + forMs
  const after = afterMs[alarm.steps]
  return isUp(alarm) && after !== undefined ? alarm.activeSince + after : undefined
}

/** When the clock announces what was silenced. */
function announcementOf(alarm: Alarm, shownAt: number, { silenceEnds, isSilenced }: AlarmInput): number {
  if (alarm.state !== 'active' || alarm.isAnnounced) return Number.POSITIVE_INFINITY
  return Math.min(...silenceEnds.filter((end) => end > shownAt && !isSilenced(end)))
}

function isAfterGap(inputs: readonly AlarmInput[], i: number): boolean {
  const times = inputs
    .slice(0, i + 1)
    .filter(({ kind }) => kind === 'reading')
    .map(({ time }) => time)
  const usualMs = usualIntervalMs(times.slice(0, -1))
  return usualMs !== undefined && times.length > 1 && times.at(-1)! - times.at(-2)! > 3 * usualMs
}
