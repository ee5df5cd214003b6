import { type ASTNode, Environment } from '@marcbachmann/cel-js'
import { isMetricName } from '../domain/names.ts'
import type { Value } from '../domain/profile.ts'

/**
 * CEL as rules have it (docs/decisions/0016): a part of the language whose cost is bounded by the length of the text. Numbers are
 * doubles; there is nothing that loops, calls a regular expression or makes a text or list longer than its parts.
 */

/** What is wrong with an expression, and at which character (from 0). */
export interface CelProblem {
  readonly position: number
  readonly detail: string
}

export type CelType = 'double' | 'bool' | 'string'

/** An expression that may be evaluated. It keeps nothing between two evaluations. */
export interface CelProgram {
  /** In the order in which they first appear. */
  readonly metrics: readonly string[]
  readonly usesLabels: boolean
  /** `values` in the order of `metrics`. Throws where CEL says that it fails: a label that is not there, text + number. */
  evaluate(labels: ReadonlyMap<string, string>, device: string, values: readonly Value[]): unknown
}

export const celCharactersMax = 1_000
const nodesMax = 200
const depthMax = 20

/** Each constant in time, or linear in the length of its texts. The library has others, so this is a list of what is there. */
const functions: ReadonlySet<string> = new Set(['has', 'size', 'double', 'int', 'string', 'bool'])
const methods: ReadonlySet<string> = new Set([
  'size',
  'contains',
  'startsWith',
  'endsWith',
  'indexOf',
  'lastIndexOf',
  'substring',
  'lowerAscii',
  'upperAscii',
  'trim',
])
const wholeNumbered: ReadonlySet<string> = new Set(['size', 'int', 'indexOf', 'lastIndexOf'])

const environment = new Environment({
  unlistedVariablesAreDyn: true,
  limits: { maxAstNodes: nodesMax, maxDepth: depthMax },
})
  .registerVariable('labels', 'map<string, string>')
  .registerVariable('device', 'string')

/** Everything that is wrong with the text whatever the metrics hold, or with metrics of the types given. */
export function celProblems(text: string, types: ReadonlyMap<string, CelType> = new Map()): CelProblem[] {
  if (text.length > celCharactersMax)
    return [{ position: celCharactersMax, detail: `longer than ${celCharactersMax} characters` }]
  const read = readText(text)
  if (read.problems.length > 0) return read.problems
  if (read.metrics.size === 0)
    return [{ position: 0, detail: 'names no metric, so that no reading would reach it' }]
  const typed = environment.clone()
  for (const [name, type] of types) if (read.metrics.has(name)) typed.registerVariable(name, type)
  const { valid, type, error } = typed.check(text)
  if (!valid) return [problemOf(error)]
  if (type !== 'bool' && type !== 'dyn') return [{ position: 0, detail: `gives ${type}, not true or false` }]
  return []
}

/** The metrics of a text, each with the character at which it first appears; of a text that is none, as far as they are known. */
export function celMetrics(text: string): ReadonlyMap<string, number> {
  return text.length > celCharactersMax ? new Map() : readText(text).metrics
}

/** Undefined where `celProblems` finds any. */
export function celProgram(text: string): CelProgram | undefined {
  if (celProblems(text).length > 0) return undefined
  const parsed = environment.parse(text)
  parsed.check()
  const read = readText(text)
  const metrics = [...read.metrics.keys()]
  // One for all evaluations, for it is read only during one: every name that the text has is set before.
  const context: Record<string, unknown> = {}
  return {
    metrics,
    usesLabels: read.usesLabels,
    evaluate(labels, device, values) {
      context.labels = labels
      context.device = device
      for (let i = 0; i < metrics.length; i++) context[metrics[i]!] = values[i]
      return parsed(context)
    },
  }
}

interface Read {
  readonly metrics: Map<string, number>
  usesLabels: boolean
  readonly problems: CelProblem[]
}

function readText(text: string): Read {
  const read: Read = { metrics: new Map(), usesLabels: false, problems: [] }
  try {
    readNode(environment.parse(text).ast, read)
  } catch (error) {
    read.problems.push(problemOf(error))
  }
  return read
}

/** Notes the metrics below a node, and what rules do not have of CEL. */
function readNode(node: ASTNode, read: Read): void {
  const refuse = (detail: string) => read.problems.push({ position: node.pos, detail })
  switch (node.op) {
    case 'value':
      if (typeof node.args === 'object') refuse('only numbers, texts, true and false may be written')
      return
    case 'id':
      return readName(node.args, node.start, read)
    case '.':
      if (isLabels(node.args[0])) read.usesLabels = true
      else refuse('only labels has fields')
      return
    case '[]':
      if (isLabels(node.args[0])) read.usesLabels = true
      else refuse('only labels has fields')
      return readNode(node.args[1], read)
    case 'call':
      if (!functions.has(node.args[0])) refuse(`there is no function ${node.args[0]}`)
      for (const argument of node.args[1]) readNode(argument, read)
      return
    case 'rcall':
      if (!methods.has(node.args[0])) refuse(`there is no function ${node.args[0]}`)
      for (const part of [node.args[1], ...node.args[2]]) readNode(part, read)
      return
    case 'list':
      for (const element of node.args) readNode(element, read)
      return
    case '!_':
    case '-_':
      return readNode(node.args, read)
    case '?:':
    case '&&':
    case '||':
      for (const part of node.args) readNode(part, read)
      return
    case 'map':
    case '.?':
    case '[?]':
      refuse('not part of the expressions of rules')
      return
    default:
      readWholeNumber(node.args[0], node.args[1], read)
      readWholeNumber(node.args[1], node.args[0], read)
      for (const part of node.args) readNode(part, read)
  }
}

function readName(name: string, position: number, read: Read): void {
  if (name === 'labels') read.usesLabels = true
  else if (name === 'device') return
  else if (environment.hasVariable(name)) read.problems.push({ position, detail: `${name} is a word of CEL` })
  else if (!isMetricName(name))
    read.problems.push({ position, detail: `${name} cannot be the name of a metric` })
  else if (!read.metrics.has(name)) read.metrics.set(name, position)
}

function isLabels(node: ASTNode): boolean {
  return node.op === 'id' && node.args === 'labels'
}

/** `temperature_c == 8` is never true in CEL, as 8 is an int: a whole number is refused beside what is none. */
function readWholeNumber(node: ASTNode, beside: ASTNode, read: Read): void {
  const elements = node.op === 'list' ? node.args : [node]
  const others = beside.op === 'list' ? beside.args : [beside]
  if (others.every(isWhole)) return
  for (const element of elements) {
    const literal = literalIn(element)
    if (literal !== undefined && isWhole(element))
      read.problems.push({
        position: literal.start,
        detail: `numbers are not whole numbers here: write ${Number(literal.args)}.0`,
      })
  }
}

/** Whether the node gives an int: metrics never do. */
function isWhole(node: ASTNode): boolean {
  switch (node.op) {
    case 'value':
      return typeof node.args === 'bigint'
    case 'call':
    case 'rcall':
      return wholeNumbered.has(node.args[0])
    case '-_':
      return isWhole(node.args)
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return node.args.every(isWhole)
    default:
      return false
  }
}

function literalIn(node: ASTNode): Extract<ASTNode, { op: 'value' }> | undefined {
  switch (node.op) {
    case 'value':
      return node
    case '-_':
      return literalIn(node.args)
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return literalIn(node.args[0]) ?? literalIn(node.args[1])
    default:
      return undefined
  }
}

/** The library's errors carry where they are, and a summary without a picture of the text. */
function problemOf(error: unknown): CelProblem {
  const { range, summary } = error as { range?: { start: number }; summary?: string }
  return { position: range?.start ?? 0, detail: summary ?? String(error) }
}
