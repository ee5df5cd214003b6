import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml'
import { messageOf, TidemarkError } from '../lib/errors.ts'

/** A rule as it stands in a file. */
export interface RuleInFile {
  readonly rule: unknown
  /** `file:line` of the field that a pointer into the rule names, or of what it would stand in. */
  placeOf(pointer: string): string
}

const extensions = /\.(json|ya?ml)$/
const bytesMax = 16 * 1024 * 1024

/**
 * The rules of a file, or of all `.json`, `.yaml` and `.yml` files of a folder and its folders, in order of their paths. A document
 * is a rule, a list of rules, or `{"rules": […]}`; a file may have several.
 */
export function readRules(path: string): RuleInFile[] {
  return filesOf(path).flatMap(rulesOf)
}

function filesOf(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    return readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => extensions.test(name))
      .map((name) => join(path, name))
      .filter((file) => statSync(file).isFile())
      .sort()
  } catch (error) {
    throw invalid(messageOf(error))
  }
}

function rulesOf(file: string): RuleInFile[] {
  const lines = new LineCounter()
  // JSON is YAML: one parser tells the lines of both.
  const documents = parseAllDocuments(readText(file), { lineCounter: lines, prettyErrors: false })
  return ('empty' in documents ? [] : documents).flatMap((document) => {
    const [error] = document.errors
    if (error !== undefined) throw invalid(`${file}:${lines.linePos(error.pos[0]).line}: ${error.message}`)
    return rulesIn(document).map(({ node, rule }) => ({
      rule,
      placeOf: (pointer) => `${file}:${lines.linePos(offsetOf(node, pointer)).line}`,
    }))
  })
}

function rulesIn(document: Document.Parsed): { node: Node; rule: unknown }[] {
  const { contents } = document
  if (contents === null || (isScalar(contents) && contents.value === null)) return []
  const inner = isMap(contents) ? contents.get('rules', true) : undefined
  const list = isSeq(contents) ? contents : isSeq(inner) ? inner : undefined
  const nodes = list === undefined ? [contents] : (list.items as Node[])
  return nodes.map((node) => ({ node, rule: node.toJS(document) as unknown }))
}

/** Where the deepest part of `pointer` that is there stands in the file: the name of a field, or an entry of a list. */
function offsetOf(rule: Node, pointer: string): number {
  let node: unknown = rule
  let offset = rule.range?.[0] ?? 0
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === name)
      if (pair === undefined) break
      offset = (pair.key as Node).range?.[0] ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      node = node.items[Number(name)]
      if (node === undefined) break
      offset = (node as Node).range?.[0] ?? offset
    } else break
  }
  return offset
}

/** Samples for a test: NDJSON, a JSON list, or `{"samples": […]}`. */
export function readSamples(file: string): unknown[] {
  const text = readText(file)
  const isWhole = /^\s*\[/.test(text) || (/^\s*\{/.test(text) && canParse(text))
  if (!isWhole) {
    return text
      .split('\n')
      .flatMap((line, at) => (line.trim() === '' ? [] : parsed(line, `${file}:${at + 1}`)))
  }
  const given = parsed(text, file)
  if (Array.isArray(given)) return given
  const { samples } = given as { samples?: unknown }
  return Array.isArray(samples) ? samples : [given]
}

function canParse(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function parsed(text: string, place: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalid(`${place}: ${messageOf(error)}`)
  }
}

function readText(file: string): string {
  try {
    if (statSync(file).size > bytesMax)
      throw new Error('larger than 16 MiB, which is what the platform takes')
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw invalid(`${file}: ${messageOf(error)}`)
  }
}

function invalid(message: string): TidemarkError {
  return new TidemarkError('TIDEMARK_RULE_FILE', message, { exitCode: 2 })
}
