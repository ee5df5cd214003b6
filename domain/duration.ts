const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const durationPattern = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/

/** Milliseconds of a duration such as `30s`, `15m`, `2h`, `7d`; undefined when `text` is none. */
export function durationMs(text: string): number | undefined {
  const match = durationPattern.exec(text)
  if (match === null) return undefined
  return Math.round(Number(match[1]) * unitMs[match[2] as keyof typeof unitMs])
}
