import type { FaultEntry } from '../scenario.ts'

/** placeholder until the faults are merged */
export const presets = ['none', 'dirty', 'hostile'] as const
export type Preset = (typeof presets)[number]

export function presetFaults(_preset: Preset): FaultEntry[] {
  return []
}
