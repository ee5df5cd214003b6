import type { Rule } from '../../../rules/rule.ts'
import { type AlarmHistory, type AlarmInput, alarmHistory } from './alarm.ts'
import { absentFrom } from './durations.ts'
import { evaluationOrder, groupOf, type Step } from './evaluation-order.ts'
import { absencesIn, reaches } from './inner.ts'
import { judge } from './judge.ts'
import { profileIntervalMs, type Scope, type Seen, unknown } from './judgement.ts'
import { devicesOf, type GivenReading, isSelected, type Transition, type World } from './world.ts'

/**
 * What docs/RULES.md says of a rule over readings in order of arrival, calculated slowly: everything is recomputed from the
 * whole list for each reading, and nothing is shared with the engine. Devices in order of name, each one's transitions in order.
 */
export function reference(rule: Rule, readings: readonly GivenReading[], world: World = {}): Transition[] {
  const histories = historiesOf(rule, readings, world)
  return [...histories.keys()].sort().flatMap((device) => histories.get(device)!.transitions)
}

type Others = Pick<Scope, 'reachesRule' | 'isActive'>

function historiesOf(rule: Rule, readings: readonly GivenReading[], world: World): Map<string, AlarmHistory> {
  const others = othersOf(readings, world)
  const steps = evaluationOrder(rule, readings, world, others)
  const devices = devicesOf(readings, world).filter((device) => isSelected(rule, device, world))
  const groups = new Set(devices.map((device) => groupOf(rule, device, world)))
  const histories = new Map<string, AlarmHistory>()
  for (const group of groups) {
    if (group === undefined) continue
    const names = devices.filter((device) => groupOf(rule, device, world) === group)
    const own = steps.filter(({ device }) => names.includes(device))
    for (const subject of rule.when.kind === 'group' ? [group] : names) {
      const shown = rule.when.kind === 'group' ? own : own.filter(({ device }) => device === subject)
      const labels = world.labels?.[subject] ?? {}
      const scope: Scope = {
        ...others,
        labels,
        judge,
        labelsOf: (device) => world.labels?.[device] ?? {},
        registeredAt: world.registeredAt?.[subject],
        expectedIntervalMs: profileIntervalMs(world.deviceTypes?.[subject] ?? 'generic'),
        everyone: own.filter((step) => step.kind !== 'clock'),
        members: names,
      }
      const ends = (world.maintenance ?? []).map(({ to }) => to)
      const silenced = (time: number, at: number) => isSilenced(rule, subject, time, at, world, others)
      const inputs = alarmInputs(rule, withTicks(rule, shown, scope), scope, silenced, ends)
      histories.set(subject, alarmHistory(rule, subject, labels, inputs))
    }
  }
  return histories
}

function othersOf(readings: readonly GivenReading[], world: World): Others {
  const histories = new Map<string, Map<string, AlarmHistory>>()
  const ruleOf = (id: string) => world.otherRules?.find((other) => other.id === id)
  return {
    reachesRule: (id, seen) => {
      const other = ruleOf(id)
      if (other === undefined || !isSelected(other, seen.device, world)) return false
      return reaches(other.when, seen, { reachesRule: () => false })
    },
    isActive: (id, device, at) => {
      const other = ruleOf(id)
      if (other === undefined) return false
      if (!histories.has(id)) histories.set(id, historiesOf(other, readings, world))
      const names = [device, groupOf(other, device, world)]
      return names.some((name) => {
        const state = histories
          .get(id)!
          .get(name ?? '')
          ?.states.findLast((known) => known.at <= at)?.state
        return state === 'active' || state === 'recovering'
      })
    },
  }
}

/** Puts in the times at which an absence begins: before the first reading after, or once the clock is there. */
function withTicks(rule: Rule, steps: readonly Step[], scope: Scope): Step[] {
  const absences = absencesIn(rule.when)
  if (absences.length === 0) return [...steps]
  const out: Step[] = []
  for (const step of steps) {
    for (;;) {
      const due = absences.flatMap((absence) => {
        const mine = out.filter((one) => one.kind !== 'clock' && reaches(absence, one, scope)) as Seen[]
        if (mine.at(-1)?.kind === 'tick') return []
        const from = absentFrom(
          absence,
          mine.filter(({ kind }) => kind === 'reading'),
          scope,
        )
        return from === undefined ? [] : [{ absence, from }]
      })
      const from = Math.min(...due.map((one) => one.from))
      if (from > step.ts || (from === step.ts && step.kind !== 'clock') || due.length === 0) break
      const over = due.filter((one) => one.from === from).map(({ absence }) => absence)
      out.push({ kind: 'tick', device: step.device, ts: from, values: {}, at: step.at, absences: over })
    }
    out.push(step)
  }
  return out
}

function alarmInputs(
  rule: Rule,
  steps: readonly Step[],
  scope: Scope,
  silenced: (time: number, at: number) => boolean,
  silenceEnds: readonly number[],
): AlarmInput[] {
  const seen = steps.filter((step) => step.kind !== 'clock')
  const judgements = judge(rule.when, seen, scope)
  return steps.map((step, i) => {
    const soFar = steps.slice(0, i + 1).filter((one) => one.kind !== 'clock')
    // The time of a group does not go back.
    const time = Math.max(step.ts, ...(rule.when.kind === 'group' ? soFar.map(({ ts }) => ts) : []))
    const isAbsent = rule.when.kind === 'absence' && soFar.at(-1)?.kind === 'tick'
    const lastReading = soFar.findLast(({ kind }) => kind === 'reading')?.ts ?? scope.registeredAt
    return {
      kind: step.kind,
      time,
      at: step.at,
      judgement: judgements[soFar.length - 1] ?? unknown,
      isSilenced: (when) => silenced(when, step.at),
      silenceEnds,
      silentSince: isAbsent ? lastReading : undefined,
    }
  })
}

function isSilenced(
  rule: Rule,
  subject: string,
  time: number,
  at: number,
  world: World,
  others: Others,
): boolean {
  const inWindow = (world.maintenance ?? []).some(({ from, to }) => time >= from && time < to)
  return inWindow || rule.suppressedBy.some((id) => others.isActive(id, subject, at))
}
