/**
 * An error that a user can act on. Every code has a line in docs/ERRORS.md that says what to do.
 * Expected outcomes of an operation are values, not errors; an error without a code is a bug.
 */
export class TidemarkError extends Error {
  readonly code: `TIDEMARK_${string}`
  /** Of the process when the error ends it: 1 failed, 2 usage or bad configuration, 3 could not connect, 130 interrupted. */
  readonly exitCode: number

  constructor(
    code: `TIDEMARK_${string}`,
    message: string,
    options: { cause?: unknown; exitCode?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'TidemarkError'
    this.code = code
    this.exitCode = options.exitCode ?? 1
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
