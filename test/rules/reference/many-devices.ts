import type { GroupCondition, PeersCondition } from '../../../rules/rule.ts'
import { innerOf } from './inner.ts'
import { byNumbers, type Judge, metIf, msOf, numberIn, unknown } from './judgement.ts'
import { robust } from './learned.ts'

export const group: Judge<GroupCondition> = ({ of, atLeast, share }, seen, scope) => {
  const holdsAfter = (device: string) => {
    const own = seen.filter((one) => one.device === device)
    const inner = innerOf(of, own, { ...scope, labels: scope.labelsOf(device) })
    return (i: number) => {
      const count = seen.slice(0, i + 1).filter((one) => one.device === device).length
      return count > 0 && inner[count - 1]!.holds
    }
  }
  const members = scope.members.map(holdsAfter)
  return seen.map((_, i) => {
    const count = members.filter((holds) => holds(i)).length
    if (share === undefined) return metIf(count >= atLeast!, count)
    return metIf(count / members.length > share, count / members.length)
  })
}

/** Judged among all that was evaluated for devices of the same label; `scope.everyone` is that, of selected devices. */
export const peers: Judge<PeersCondition> = ({ metric, k, minPeers, maxAge, minSpread }, seen, scope) => {
  return byNumbers(metric, seen, (points) => {
    const now = seen.filter((one) => numberIn(one, metric) !== undefined)[points.length - 1]!
    const upToNow = scope.everyone.slice(0, scope.everyone.indexOf(now) + 1)
    const known = upToNow.filter((one) => numberIn(one, metric) !== undefined)
    const newest = Math.max(...known.map(({ ts }) => ts))
    const values = scope.members
      .filter((device) => device !== now.device)
      .flatMap((device) => known.findLast((one) => one.device === device) ?? [])
      .filter(({ ts }) => newest - ts <= msOf(maxAge, scope.labels))
      .map((one) => numberIn(one, metric)!)
    const of = robust(values)
    if (of === undefined || values.length < minPeers) return unknown
    const value = numberIn(now, metric)!
    const spread = Math.max(of.spread, minSpread)
    return metIf(Math.abs(value - of.normal) > k * spread, value)
  })
}
