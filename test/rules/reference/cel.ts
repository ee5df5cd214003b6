import type { Value } from '../../../domain/profile.ts'

/**
 * The part of CEL that the generated rules use: literals (doubles, texts, true and false), names, `labels.x`, `double(x)`,
 * ! - * / + - < <= > >= == != && || ?: and parentheses. A failure is a value here, so that && and || can pass over it.
 */
export type Expression =
  | { readonly op: 'literal'; readonly value: Value }
  | { readonly op: 'name' | 'label'; readonly name: string }
  | { readonly op: string; readonly of: readonly Expression[] }

export class Failure {
  readonly isFailure = true
}
const failed = new Failure()

const tokenPattern = /\s*(\d+\.\d+|"[^"]*"|'[^']*'|[A-Za-z_][A-Za-z0-9_]*|&&|\|\||[<>=!]=|[-+*/!<>()?:.])/y

function tokensOf(cel: string): string[] {
  const tokens: string[] = []
  tokenPattern.lastIndex = 0
  for (let at = 0; cel.slice(at).trim() !== ''; at = tokenPattern.lastIndex) {
    const match = tokenPattern.exec(cel)
    if (match === null) throw new Error(`not in this part of CEL: ${cel.slice(at)}`)
    tokens.push(match[1]!)
  }
  return tokens
}

const levels = [['||'], ['&&'], ['<', '<=', '>', '>=', '==', '!='], ['+', '-'], ['*', '/']]

export function parseCel(cel: string): Expression {
  const tokens = tokensOf(cel)
  const take = (expected?: string): string => {
    const token = tokens.shift()
    if (token === undefined || (expected !== undefined && token !== expected)) {
      throw new Error(`${cel}: ${expected ?? 'more'} expected`)
    }
    return token
  }
  const whole = (): Expression => {
    const condition = binary(0)
    if (tokens[0] !== '?') return condition
    take('?')
    const then = whole()
    take(':')
    return { op: '?:', of: [condition, then, whole()] }
  }
  const binary = (level: number): Expression => {
    if (level === levels.length) return unary()
    let left = binary(level + 1)
    while (levels[level]!.includes(tokens[0]!)) left = { op: take(), of: [left, binary(level + 1)] }
    return left
  }
  const unary = (): Expression => {
    if (tokens[0] === '!' || tokens[0] === '-') return { op: `unary ${take()}`, of: [unary()] }
    return primary()
  }
  const primary = (): Expression => {
    const token = take()
    if (token === '(') {
      const inner = whole()
      take(')')
      return inner
    }
    if (token === 'true' || token === 'false') return { op: 'literal', value: token === 'true' }
    if (/^\d/.test(token)) return { op: 'literal', value: Number(token) }
    if (/^["']/.test(token)) return { op: 'literal', value: token.slice(1, -1) }
    if (token === 'double' && tokens[0] === '(') return { op: 'double', of: [primary()] }
    if (token !== 'labels') return { op: 'name', name: token }
    take('.')
    return { op: 'label', name: take() }
  }
  const parsed = whole()
  if (tokens.length > 0) throw new Error(`${cel}: ${tokens[0]} is too much`)
  return parsed
}

/** Metrics in the order in which the text names them. */
export function namesIn(cel: string): string[] {
  const names = (expression: Expression): string[] => {
    if ('of' in expression) return expression.of.flatMap(names)
    return expression.op === 'name' && 'name' in expression ? [expression.name] : []
  }
  return [...new Set(names(parseCel(cel)))].filter((name) => name !== 'device')
}

export interface CelScope {
  readonly values: Readonly<Record<string, Value>>
  readonly labels: Readonly<Record<string, string>>
}

export function evaluateCel(expression: Expression, scope: CelScope): Value | Failure {
  if ('value' in expression) return expression.value
  if ('name' in expression) {
    return (expression.op === 'label' ? scope.labels : scope.values)[expression.name] ?? failed
  }
  const [first, second, third] = expression.of
  const a = evaluateCel(first!, scope)
  const b = second === undefined ? undefined : evaluateCel(second, scope)
  if (expression.op === '&&' || expression.op === '||') return decided(expression.op === '||', a, b!)
  if (a instanceof Failure) return failed
  if (expression.op === '?:') {
    if (typeof a !== 'boolean') return failed
    return a ? b! : evaluateCel(third!, scope)
  }
  if (expression.op === 'double') return doubled(a)
  if (expression.op === 'unary !') return typeof a === 'boolean' ? !a : failed
  if (expression.op === 'unary -') return typeof a === 'number' ? -a : failed
  if (b instanceof Failure) return failed
  return calculated(expression.op, a, b!)
}

/** One side that decides is enough, even where the other fails. */
function decided(decider: boolean, a: Value | Failure, b: Value | Failure): Value | Failure {
  if (a === decider || b === decider) return decider
  return a === !decider && b === !decider ? !decider : failed
}

function doubled(value: Value): Value | Failure {
  if (typeof value === 'boolean') return failed
  return Number.isFinite(Number(value)) && value !== '' ? Number(value) : failed
}

function calculated(op: string, a: Value, b: Value): Value | Failure {
  if (op === '==') return a === b
  if (op === '!=') return a !== b
  if (typeof a !== typeof b) return failed
  if (op === '<') return a < b
  if (op === '<=') return a <= b
  if (op === '>') return a > b
  if (op === '>=') return a >= b
  if (typeof a === 'string' && op === '+') return a + b
  if (typeof a !== 'number' || typeof b !== 'number') return failed
  if (op === '+') return a + b
  if (op === '-') return a - b
  return op === '*' ? a * b : a / b
}
