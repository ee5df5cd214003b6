import type { Value } from '../../domain/profile.ts'
import type { Rule } from '../../rules/rule.ts'
import { ruleOf } from '../rules/evaluation.ts'

/**
 * What devices send around each `kill -9` of the rules' chaos test: rounds of phases, in each of which every device that has
 * something to say sends one reading. At the kill, in the middle of the phases, a `for`, a window, a sequence and a silence are half over
 * for the devices in the middle; for those at the edge the phase of the kill (of a sequence, which a repeat would end, the one
 * before it) is the one that decides.
 */
export const kinds = ['for', 'window', 'sequence', 'absence'] as const
export type Kind = (typeof kinds)[number]

export const lastPhase = 12
/** Phases at which the platform may be killed: all four kinds are in their middle. */
export const killPhases = [3, 4, 5, 6] as const
/** Falls silent now and then: for it the wall clock runs, with a limit short enough to wait for. */
export const stillDevice = 'still'
export const stillLimitMs = 2_000

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const firstRoundAt = Date.parse('2026-01-10T00:00:00Z')
/** A `for`, a window and what separates the readings around a silence at the edge. */
const spanMinutes = 6
const sequenceMinutes = 7

export interface SentReading {
  readonly device: string
  readonly ts: number
  readonly values: Readonly<Record<string, Value>>
}

interface Specimen {
  readonly id: string
  readonly kind: Kind
  /** Phase at which what is judged begins. */
  readonly start: number
  readonly isAtEdge: boolean
}

const specimens: readonly Specimen[] = kinds.flatMap((kind) => [
  { id: `${kind}-1`, kind, start: 1, isAtEdge: false },
  { id: `${kind}-2`, kind, start: 2, isAtEdge: false },
  { id: `${kind}-edge`, kind, start: 0, isAtEdge: true },
])

export const deviceIds: readonly string[] = [...specimens.map(({ id }) => id), stillDevice]
/** Devices for which nothing is decided yet at the kill, by kind. */
export const midDevices = (kind: Kind) => [`${kind}-1`, `${kind}-2`]

const hot = { kind: 'threshold', metric: 'temperature_c', above: 8 } as const
const select = (devices: readonly string[]) => ({ types: [], labels: {}, devices })
const devicesOf = (kind: Kind) => specimens.filter((one) => one.kind === kind).map(({ id }) => id)

export const scriptRules: readonly Rule[] = [
  ruleOf({ id: 'for', select: select(devicesOf('for')), when: hot, for: `${spanMinutes}m` }),
  ruleOf({
    id: 'window',
    select: select(devicesOf('window')),
    when: {
      kind: 'aggregate',
      metric: 'temperature_c',
      // A message sent again after a kill is a second reading: least and greatest do not mind.
      fn: 'min',
      window: `${spanMinutes}m`,
      above: 8,
      minCount: 3,
    },
  }),
  ruleOf({
    id: 'sequence',
    select: select(devicesOf('sequence')),
    when: {
      kind: 'sequence',
      steps: [
        { when: { kind: 'threshold', metric: 'door_open', equals: true } },
        { when: hot, within: `${sequenceMinutes + 1}m` },
      ],
    },
  }),
  ruleOf({
    id: 'absence',
    select: select(devicesOf('absence')),
    when: { kind: 'absence', longerThan: `${spanMinutes - 1}m` },
  }),
  ruleOf({
    id: 'still',
    select: select([stillDevice]),
    when: { kind: 'absence', longerThan: `${stillLimitMs / 1000}s` },
  }),
]

/** Event time at which a round begins. */
export function roundAt(round: number): number {
  return firstRoundAt + round * dayMs
}

/** What is sent in a phase of a round whose kill is at `killPhase`. `isStill`: the silent device says its last word before it. */
export function readingsOf(
  round: number,
  phase: number,
  killPhase: number,
  isStill: boolean,
): readonly SentReading[] {
  const sent: SentReading[] = []
  for (const specimen of specimens) {
    const values = valuesOf(specimen, phase, killPhase)
    if (values === undefined) continue
    const ts = roundAt(round) + Math.round(phase * phaseMinutes(specimen, killPhase) * minuteMs)
    sent.push({ device: specimen.id, ts, values })
  }
  if (isStill && phase === killPhase - 1)
    sent.push({ device: stillDevice, ts: roundAt(round) + phase * minuteMs, values: { temperature_c: 5 } })
  return sent
}

/** Ends the silence of the silent device, after all rounds. */
export function lastWord(rounds: number): SentReading {
  return { device: stillDevice, ts: roundAt(rounds) - minuteMs, values: { temperature_c: 5 } }
}

/** At the edge event time is stretched, so that what decides comes at the kill. */
function phaseMinutes({ kind, isAtEdge }: Specimen, killPhase: number): number {
  if (!isAtEdge) return 1
  return kind === 'sequence' ? sequenceMinutes / (killPhase - 1) : spanMinutes / killPhase
}

function valuesOf(
  { kind, start, isAtEdge }: Specimen,
  phase: number,
  killPhase: number,
): SentReading['values'] | undefined {
  const isLast = phase === lastPhase
  switch (kind) {
    case 'for':
      return { temperature_c: phase >= start && !isLast ? 9 + phase / 10 : 5 }
    case 'window':
      return { temperature_c: phase > start && !isLast ? 9 + phase / 10 : 5 }
    case 'sequence':
      if (phase === start) return { door_open: true }
      if (phase === start + 1) return { door_open: false }
      return { temperature_c: phase === (isAtEdge ? killPhase - 1 : start + sequenceMinutes) ? 9 : 5 }
    case 'absence':
      return phase <= start || phase >= (isAtEdge ? killPhase : 10) ? { temperature_c: 5 } : undefined
  }
}
