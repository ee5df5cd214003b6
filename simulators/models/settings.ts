import type { ModelSettings } from './model.ts'

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
