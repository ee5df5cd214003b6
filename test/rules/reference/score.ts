import type { ScoreCondition, ScoreRows } from '../../../rules/rule.ts'
import { type Judge, limitOf, metIf, msOf, numberIn, unknown } from './judgement.ts'

const lastRow = Number.POSITIVE_INFINITY

/** Royal College of Physicians, National Early Warning Score 2 (2017), chart 1, SpO2 scale 1: up to → points. */
const news2: Readonly<Record<string, readonly (readonly [upTo: number, points: number])[]>> = {
  respiration_rate_bpm: [
    [8, 3],
    [11, 1],
    [20, 0],
    [24, 2],
    [lastRow, 3],
  ],
  spo2_pct: [
    [91, 3],
    [93, 2],
    [95, 1],
    [lastRow, 0],
  ],
  systolic_mmhg: [
    [90, 3],
    [100, 2],
    [110, 1],
    [219, 0],
    [lastRow, 3],
  ],
  heart_rate_bpm: [
    [40, 3],
    [50, 1],
    [90, 0],
    [110, 1],
    [130, 2],
    [lastRow, 3],
  ],
  temperature_c: [
    [35.0, 3],
    [36.0, 1],
    [38.0, 0],
    [39.0, 1],
    [lastRow, 2],
  ],
  oxygen_given: [
    [0, 0],
    [lastRow, 2],
  ],
  alert: [
    [0, 3],
    [lastRow, 0],
  ],
}

export const news2Metrics = Object.keys(news2)

function halfAwayFromZero(value: number): number {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5)
}

function pointsOf(table: ScoreCondition['table'], metric: string, value: number): number {
  if (table === 'news2') {
    const rounded = metric === 'temperature_c' ? halfAwayFromZero(value * 10) / 10 : halfAwayFromZero(value)
    return news2[metric]!.find(([upTo]) => rounded <= upTo)![1]
  }
  const rows: ScoreRows = table[metric]!
  return rows.find(({ upTo }) => upTo === undefined || value <= upTo)!.points
}

export const score: Judge<ScoreCondition> = ({ table, above, single, maxAge }, seen, scope) => {
  const metrics = table === 'news2' ? news2Metrics : Object.keys(table)
  return seen.map((one, i) => {
    if (metrics.every((metric) => numberIn(one, metric) === undefined)) return unknown
    const points = metrics.flatMap((metric) => {
      const newest = seen.slice(0, i + 1).findLast((other) => numberIn(other, metric) !== undefined)
      if (newest === undefined || one.ts - newest.ts > msOf(maxAge, scope.labels)) return []
      return [pointsOf(table, metric, numberIn(newest, metric)!)]
    })
    const sum = points.reduce((total, of) => total + of, 0)
    if (single === undefined) return metIf(sum > limitOf(above!, scope.labels), sum)
    return metIf(Math.max(...points) >= single, Math.max(...points))
  })
}
