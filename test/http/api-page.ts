import type { Example } from './api-examples.ts'
import type { Operation as Described, Schema as Plain } from './openapi-document.ts'

interface Schema extends Plain {
  readonly description?: string
  readonly default?: unknown
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
}

interface Operation extends Described {
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly description?: string
    readonly schema?: Schema
  }[]
  readonly summary?: string
  readonly 'x-role'?: string
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>

/** As much of `/openapi.json` as the page is made of. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

/** Resources whose first word in a path is that of another, or that are no resource. */
const sections: Readonly<Record<string, string>> = {
  'rule-packs': 'rules',
  'alarm-history': 'alarms',
  export: 'export and import',
  import: 'export and import',
  stats: 'operation',
  parts: 'operation',
  'backup-hold': 'operation',
}
const pagingNames = ['limit', 'cursor']
const pagingNote = 'Pages: `limit`, `cursor`.'

/**
 * docs/API.md below its hand-written head: resource by resource, operations, shapes and an example each. Of our own, since generators
 * on npm either hardly move (widdershins) or make a section of headings and JSON for each operation, thousands of lines here.
 */
export function apiPage({ paths, components }: ApiDocument, examples: readonly Example[]): string {
  const bySection = new Map<string, [name: string, operation: Operation][]>()
  for (const [path, methods] of Object.entries(paths)) {
    const word = /^\/api\/v1\/([\w-]+)/.exec(path)?.[1] ?? 'operation'
    const section = sections[word] ?? word
    const operations = Object.entries(methods).map(
      ([method, operation]) => [`${method.toUpperCase()} ${path.replace('/api/v1', '')}`, operation] as const,
    )
    bySection.set(section, [
      ...(bySection.get(section) ?? []),
      ...operations.map((one) => [...one] as [string, Operation]),
    ])
  }
  const shown = new Set<string>(['Problem'])
  return [...bySection]
    .map(([section, operations]) => {
      const example = examples.filter((one) => one.section === section)
      return [
        `## ${section[0]!.toUpperCase()}${section.slice(1).replace('-', ' ')}`,
        overview(operations),
        ...operations.flatMap(([name, operation]) => detail(name, operation)),
        shapes(operations, components.schemas, shown),
        fenced('sh', example.map(curlOf)),
      ]
        .filter((part) => part !== '')
        .join('\n\n')
    })
    .join('\n\n')
    .concat('\n')
}

function overview(operations: readonly (readonly [string, Operation])[]): string {
  const rows = operations.map(([name, operation]) => {
    const isPaged = operation.parameters?.some((parameter) => parameter.name === 'cursor')
    const does = [operation.summary ?? '', ...(isPaged ? [pagingNote] : [])].join(' ')
    return [code(name), operation['x-role'] ?? 'none', cell(does), answerOf(operation)]
  })
  return table(['operation', 'role', 'does', 'answers'], rows)
}

function answerOf({ responses }: Operation): string {
  return Object.entries(responses)
    .filter(([status]) => status !== 'default')
    .map(([status, { content }]) => {
      const schema = Object.values(content ?? {})[0]?.schema
      return schema === undefined ? status : `${status} ${code(typeOf(schema))}`
    })
    .join(', ')
}

/** Parameters and fields of the body, where there are any but the id in the path and those of paging. */
function detail(name: string, { parameters = [], requestBody }: Operation): string[] {
  const queried = parameters
    .filter((parameter) => parameter.in !== 'path' && !pagingNames.includes(parameter.name))
    // Said once, for all creations, above.
    .filter(({ name }) => name !== 'Idempotency-Key')
    .map((parameter) =>
      row(parameter.name, parameter.in, parameter.required === true, {
        ...parameter.schema,
        ...(parameter.description !== undefined && { description: parameter.description }),
      }),
    )
  const body: Schema | undefined = Object.values(requestBody?.content ?? {})[0]?.schema
  const fields = body === undefined ? [] : bodyRows(body)
  const rows = [...queried, ...fields]
  return rows.length === 0 ? [] : [`**${code(name)}**`, table(['name', 'in', 'type', 'says'], rows)]
}

function bodyRows(schema: Schema, isChoice = false): string[][] {
  const choices = (schema.anyOf ?? []).filter(({ type }) => type !== 'null')
  if (choices.length > 0) return choices.flatMap((choice) => bodyRows(choice, choices.length > 1))
  const fields = Object.entries(schema.properties ?? {})
  if (fields.length === 0) return [['', 'body', code(typeOf(schema)), cell(schema.description ?? '')]]
  return fields.map(([name, field]) => {
    const [shown, ...rest] = row(name, 'body', schema.required?.includes(name) === true, field)
    return [isChoice ? `${code(name)} (or the other)` : shown!, ...rest]
  })
}

function row(name: string, place: string, isRequired: boolean, schema: Schema): string[] {
  const fallback =
    schema.default === undefined
      ? ''
      : `default ${code(JSON.stringify(schema.default).replace(/^"(.+)"$/, '$1'))}`
  const says = [schema.description, boundsOf(schema), fallback].filter(Boolean).join('; ')
  return [code(name) + (isRequired ? ' (needed)' : ''), place, code(typeOf(schema)), cell(says)]
}

function boundsOf(schema: Schema): string {
  const { minimum, maximum, maxLength, maxItems } = schema
  // Zod states those of every integer.
  const isNumeric = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER
  return [
    isNumeric ? `${minimum ?? ''} to ${maximum.toLocaleString('en')}` : '',
    maxLength === undefined ? '' : `at most ${maxLength.toLocaleString('en')} characters`,
    maxItems === undefined ? '' : `at most ${maxItems.toLocaleString('en')}`,
  ]
    .filter(Boolean)
    .join('; ')
}

/** A schema in the notation of TypeScript; `indent` is that of the line it stands in, or undefined for one line. */
function typeOf(schema: Schema, indent?: string): string {
  const { $ref, anyOf, oneOf, properties, additionalProperties, items, required = [] } = schema
  if ($ref !== undefined) return $ref.split('/').at(-1)!
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const choices = anyOf ?? oneOf
  if (choices !== undefined) return [...new Set(choices.map((choice) => typeOf(choice, indent)))].join(' | ')
  if (items !== undefined) {
    const item = typeOf(items as Schema, indent)
    return item.includes('|') && !item.startsWith('{') ? `(${item})[]` : `${item}[]`
  }
  const fields = Object.entries(properties ?? {})
  if (fields.length > 0) {
    const inner = indent === undefined ? undefined : `${indent}  `
    const lines = fields.map(
      ([name, field]) => `${name}${required.includes(name) ? '' : '?'}: ${typeOf(field, inner)}`,
    )
    const line = `{ ${lines.join(', ')} }`
    if (indent === undefined || line.length + indent.length < 90) return line.replace(/\n\s*/g, ' ')
    return `{\n${lines.map((text) => `${inner}${text}`).join('\n')}\n${indent}}`
  }
  if (typeof additionalProperties === 'object' && Object.keys(additionalProperties).length > 0)
    return `{ [name]: ${typeOf(additionalProperties, indent)} }`
  const types = [schema.type ?? 'any'].flat()
  return types.map((type) => (schema.format === 'date-time' ? 'time' : type)).join(' | ')
}

/** Shapes that these operations are the first to answer with. */
function shapes(
  operations: readonly (readonly [string, Operation])[],
  schemas: ApiDocument['components']['schemas'],
  shown: Set<string>,
): string {
  const wanted = operations.flatMap(([, { responses }]) =>
    [...JSON.stringify(responses).matchAll(/schemas\/(\w+)"/g)].map(([, name]) => name!),
  )
  const blocks: string[] = []
  for (const name of wanted) {
    if (shown.has(name)) continue
    shown.add(name)
    const schema = schemas[name]!
    wanted.push(...[...JSON.stringify(schema).matchAll(/schemas\/(\w+)"/g)].map(([, inner]) => inner!))
    blocks.push(`${name}: ${typeOf(schema, '')}`)
  }
  return fenced('ts', blocks)
}

function curlOf({ method, path, headers = {}, body }: Example): string {
  const given = Object.entries(headers).map(([name, value]) => ` -H '${name}: ${value}'`)
  const type =
    body === undefined ? '' : ` -H 'content-type: application/json' \\\n     -d '${JSON.stringify(body)}'`
  const verb = method === (body === undefined ? 'GET' : 'POST') ? '' : ` -X ${method}`
  return `curl${verb} -H "Authorization: Bearer $TOKEN"${given.join('')} "$API${path}"${type}`
}

function fenced(language: string, blocks: readonly string[]): string {
  return blocks.length === 0 ? '' : `\`\`\`${language}\n${blocks.join('\n')}\n\`\`\``
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** In backquotes; a bar would end the cell even there. */
function code(text: string): string {
  return text === '' ? '' : `\`${text.replaceAll('|', '\\|')}\``
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
