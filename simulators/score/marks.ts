import { TidemarkError } from '../../lib/errors.ts'
import type { Mark } from '../scenario.ts'
import { type Figure, type FigureOf, figures, type RunFigures, runFigures } from './figures.ts'
import type { Score, ToldFigures } from './score.ts'

/** A mark and whether it was reached. */
export interface JudgedMark extends Mark {
  readonly reached: number | null
  readonly verdict: 'ok' | 'missed' | 'not judged'
  /** Why it was not judged. */
  readonly reason?: string
}

/** Which truths a figure needs: without one of them there is nothing to judge. */
const needs: Readonly<Partial<Record<Figure, keyof ToldFigures>>> = {
  recall: 'expecting',
  f1: 'expecting',
  delayMedianS: 'expecting',
  delayP95S: 'expecting',
  leadMedianS: 'failing',
  leadMinS: 'failing',
  leadShareMedian: 'failing',
  inTime: 'warnable',
}

/**
 * Holds marks against a score and what the run adds to it. A figure that has no value although there were truths that would
 * have given it one is a mark missed: nothing was told. Throws TIDEMARK_SCENARIO_INVALID (exit code 2) for a mark that asks
 * for what is no figure.
 */
export function judge(marks: readonly Mark[], score: Score, run: RunFigures = {}): JudgedMark[] {
  return marks.map((mark) => {
    check(mark)
    const notJudged = (reason: string): JudgedMark => ({
      ...mark,
      reached: null,
      verdict: 'not judged',
      reason,
    })
    if (isRunFigure(mark.figure)) {
      const value = run[mark.figure]
      return value === undefined ? notJudged('not measured here') : judged(mark, value)
    }
    const figure = mark.figure as Figure
    if (mark.rule !== undefined)
      return ofRule(mark, mark.rule, figure, score) ?? notJudged('there is nothing that it is a share of')
    // Outside all faults of sensors and transport: always there, and no kind.
    if (mark.fault === 'none' && figure === 'falseAlarms')
      return judged(mark, score.falseAlarms.filter(({ during }) => during === 'none').length)
    const told = mark.fault === undefined ? score.total : score.kinds.find(({ kind }) => kind === mark.fault)
    if (told === undefined) return notJudged('no such fault in this run')
    const need = needs[figure]
    if (need !== undefined && told[need] === 0) return notJudged('no fault in this run that has it')
    const value = (told as Readonly<Partial<Record<Figure, number | null>>>)[figure] ?? null
    const wasToTell = need !== undefined || (figure === 'precision' && told.expecting > 0)
    return value !== null || wasToTell
      ? judged(mark, value)
      : notJudged('there is nothing that it is a share of')
  })
}

/** A rule that told nothing has no false alarms; it has no precision either. */
function ofRule(mark: Mark, rule: string, figure: Figure, score: Score): JudgedMark | undefined {
  const told = score.rules.find((one) => one.rule === rule)
  if (told === undefined) return figure === 'precision' ? undefined : judged(mark, 0)
  const value = (told as unknown as Readonly<Record<Figure, number | null>>)[figure]
  return value === null ? undefined : judged(mark, value)
}

function judged(mark: Mark, reached: number | null): JudgedMark {
  const { atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY } = mark
  const isReached = reached !== null && reached >= atLeast && reached <= atMost
  return { ...mark, reached, verdict: isReached ? 'ok' : 'missed' }
}

function isRunFigure(name: string): name is (typeof runFigures)[number] {
  return (runFigures as readonly string[]).includes(name)
}

function check(mark: Mark): void {
  const problem = markProblem(mark)
  if (problem === undefined) return
  throw new TidemarkError('TIDEMARK_SCENARIO_INVALID', `/pass: ${mark.figure} ${problem}`, { exitCode: 2 })
}

/** What is wrong with a mark, after the name of its figure; undefined of one that can be judged. */
export function markProblem({ figure, fault, rule, atLeast, atMost }: Mark): string | undefined {
  const of: FigureOf = rule !== undefined ? 'rule' : fault !== undefined ? 'fault' : 'all'
  const allowed: readonly FigureOf[] = isRunFigure(figure)
    ? ['all']
    : Object.hasOwn(figures, figure)
      ? figures[figure as Figure]
      : []
  return allowed.length === 0
    ? 'is no figure'
    : !allowed.includes(of)
      ? `is not a figure of ${of === 'all' ? 'the whole' : `a ${of}`}`
      : rule !== undefined && fault !== undefined
        ? 'is of a fault or of a rule, not of both'
        : atLeast === undefined && atMost === undefined
          ? 'needs atLeast or atMost'
          : undefined
}
