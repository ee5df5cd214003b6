import type { JudgedMark } from './marks.ts'
import type { FalseAlarm, KindScore, RuleScore, Score, ToldFigures } from './score.ts'

const falseAlarmsShownMax = 20

/** A score as text: a row for each kind of fault, the rules that were wrong, the false alarms, the marks. */
export function scoreTable(score: Score, marks: readonly JudgedMark[]): string {
  const sections = [
    kindTable(score),
    ruleTable(score.rules.filter(({ falseAlarms, duplicates }) => falseAlarms + duplicates > 0)),
    falseAlarmTable(score.falseAlarms),
    markTable(marks),
  ]
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`
}

const kindHead = [
  'fault',
  'truths',
  'detected',
  'recall',
  'precision',
  'F1',
  'delay',
  'p95',
  'lead',
  'least lead',
  'lead share',
  'in time',
  'false',
  'again',
]

function kindTable({ kinds, total, deviceDays }: Score): string {
  const rows = [...kinds].sort(byClass).map((kind) => kindRow(kind.kind, kind))
  const rate = total.falseAlarmsPerDeviceDay
  const rateText = rate === null ? '' : `, ${decimal(rate)} a device-day (${decimal(deviceDays)} device-days)`
  return `${table([kindHead, ...rows, kindRow('all', total)])}\nfalse alarms: ${total.falseAlarms}${rateText}`
}

/** Faults that something should tell of first. */
function byClass(a: KindScore, b: KindScore): number {
  return Number(a.expecting === 0) - Number(b.expecting === 0) || a.kind.localeCompare(b.kind)
}

function kindRow(name: string, told: ToldFigures): string[] {
  const isExpected = told.expecting > 0
  return [
    name,
    String(told.truths),
    isExpected ? `${told.detected}/${told.expecting}` : '-',
    share(told.recall),
    share(told.precision),
    share(told.f1),
    duration(told.delayMedianS),
    duration(told.delayP95S),
    duration(told.leadMedianS),
    duration(told.leadMinS),
    share(told.leadShareMedian),
    share(told.inTime),
    String(told.falseAlarms),
    isExpected ? String(told.duplicates) : '-',
  ]
}

function ruleTable(rules: readonly RuleScore[]): string {
  if (rules.length === 0) return ''
  const rows = rules.map(({ rule, events, matched, falseAlarms, duplicates }) =>
    [rule, events, matched, falseAlarms, duplicates].map(String),
  )
  return table([['rule', 'events', 'matched', 'false', 'again'], ...rows])
}

function falseAlarmTable(falseAlarms: readonly FalseAlarm[]): string {
  if (falseAlarms.length === 0) return ''
  const rows = falseAlarms
    .slice(0, falseAlarmsShownMax)
    .map(({ timeMs, device, rule, during }) => [new Date(timeMs).toISOString(), device, rule, during])
  const more = falseAlarms.length - rows.length
  const rest = more > 0 ? `\n… and ${more} more: --json lists all` : ''
  return `${table([['false alarm', 'device', 'rule', 'during'], ...rows], 4)}${rest}`
}

function markTable(marks: readonly JudgedMark[]): string {
  if (marks.length === 0) return ''
  const rows = marks.map(({ figure, fault, rule, atLeast, atMost, reached, verdict, reason }) => [
    [figure, fault ?? rule].filter((part) => part !== undefined).join(' of '),
    [atLeast === undefined ? '' : `≥ ${decimal(atLeast)}`, atMost === undefined ? '' : `≤ ${decimal(atMost)}`]
      .filter((part) => part !== '')
      .join(', '),
    reached === null ? '-' : decimal(reached),
    reason === undefined ? verdict : `${verdict}: ${reason}`,
  ])
  return table([['mark', 'required', 'reached', ''], ...rows], 1)
}

/** The first `leftColumns` columns begin where they begin, numbers end where they end; the last is never padded. */
function table(rows: readonly (readonly string[])[], leftColumns = 1): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column < leftColumns
            ? cell.padEnd(widths[column]!)
            : rows[0]![column] === ''
              ? cell
              : cell.padStart(widths[column]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function share(value: number | null): string {
  return value === null ? '-' : value.toFixed(2)
}

/** At most four digits that count. */
function decimal(value: number): string {
  return String(Number(value.toPrecision(4)))
}

const units = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const

/** In the largest unit of which there are two at least: `45.4 h`, `90 s`. */
export function duration(seconds: number | null): string {
  if (seconds === null) return '-'
  const [unit, length] = units.find(([, one]) => Math.abs(seconds) >= 2 * one) ?? ['s', 1]
  return `${Number((seconds / length).toFixed(1))} ${unit}`
}
