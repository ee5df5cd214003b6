/** A problem with a rule: where in the body as it was sent (JSON pointer, RFC 6901), and what. */
export interface RuleProblem {
  readonly pointer: string
  readonly detail: string
}

/** RFC 6901. */
export function toPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
