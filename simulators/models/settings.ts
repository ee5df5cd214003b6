import type { ModelParameter, ModelSettings } from './model.ts'

/** A number that a scenario gives a device, else what `fallback` says. */
export function numberSetting(settings: ModelSettings | undefined, name: string, fallback: number): number {
  const value = settings?.parameters?.[name]
  return value === undefined ? fallback : Number(value)
}

/** A text that a scenario gives a device, else what `fallback` says. */
export function textSetting(settings: ModelSettings | undefined, name: string, fallback: string): string {
  const value = settings?.parameters?.[name]
  return value === undefined ? fallback : String(value)
}

/** A parameter that is on or off. */
export const onOrOff = [true, false] as const

/** What a parameter takes, in words. */
export function expected(takes: ModelParameter['takes']): string {
  if (takes === 'text') return 'text'
  if (!('from' in takes)) return takes.join(' or ')
  return `a ${takes.whole ? 'whole ' : ''}number from ${takes.from} to ${takes.to}`
}

/** Whether a value is one that a parameter takes. */
export function isTaken(value: number | boolean | string, takes: ModelParameter['takes']): boolean {
  // YAML reads a name such as 7 as a number.
  if (takes === 'text') return typeof value !== 'boolean'
  if (!('from' in takes)) return takes.includes(value)
  const isInRange = typeof value === 'number' && value >= takes.from && value <= takes.to
  return isInRange && (!takes.whole || Number.isInteger(value))
}
