import fc from 'fast-check'
import type { Route } from '../../http/http-server.ts'
import {
  deep,
  deepMark,
  hostileAuthorization,
  hostileBody,
  hostileHeaders,
  hostileName,
  hostileNumber,
  hostileText,
  hostileValue,
  ownFields,
} from './hostile-values.ts'
import { filledPath, type Operation, type Schema } from './openapi-document.ts'

/** A request as it is injected. */
export interface HostileRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly payload?: string | Buffer
}

export interface Surroundings {
  /** The operation as `/openapi.json` has it; none for a page. */
  readonly operation: Operation | undefined
  /** Bodies that the route takes, where its schema does not say what they are. */
  readonly bodies: readonly unknown[]
  /** Ids and names that are there. */
  readonly known: readonly string[]
  readonly token: string
}

/** How often a place in a request is what it should be, against once something else. */
const soundness = 9

/** Requests to a route: of the shape that it wants, with wrong values, types, names and encodings here and there. */
export function hostileRequest(route: Route, surroundings: Surroundings): fc.Arbitrary<HostileRequest> {
  const { operation, token } = surroundings
  const hasBody = !['GET', 'HEAD', 'DELETE'].includes(route.method)
  return fc
    .record({
      url: pathOf(route.url, surroundings.known),
      query: queryOf(operation, surroundings.known),
      given: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: hostileHeaders }),
      authorization: fc.oneof(
        { weight: 30, arbitrary: fc.constant(`Bearer ${token}`) },
        { weight: 1, arbitrary: hostileAuthorization },
      ),
      version: fc.constantFrom({}, { 'if-match': '*' }, { 'if-match': '"1"' }),
      payload: hasBody ? bodyOf(surroundings) : fc.constant(undefined),
    })
    .map(({ url, query, given, authorization, version, payload }) => ({
      method: route.method,
      url: query === '' ? url : `${url}?${query}`,
      headers: {
        authorization,
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        ...version,
        ...given,
      },
      ...(payload === undefined ? {} : { payload }),
    }))
}

function pathOf(url: string, known: readonly string[]): fc.Arbitrary<string> {
  const param = fc.oneof(
    { weight: soundness, arbitrary: fc.constantFrom(...known, 'nothing') },
    { weight: 1, arbitrary: hostileText.map(encoded) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('%', '%ff', '%ed%a0%80', '%2F', '%2e%2e', ';', '%3A', 'a:b', ':'),
    },
  )
  return fc.array(param, { minLength: 3, maxLength: 3 }).map((values) => {
    let at = 0
    return filledPath(url, () => values[at++]!)
  })
}

function queryOf(operation: Operation | undefined, known: readonly string[]): fc.Arbitrary<string> {
  const named = (operation?.parameters ?? [])
    .filter((parameter) => parameter.in === 'query')
    .map(({ name, schema = {} }) =>
      fc.oneof(
        { weight: 4, arbitrary: fc.constant('') },
        {
          weight: 4,
          arbitrary: shaped(schema, known).map(
            (value) => `${name}=${encoded(typeof value === 'string' ? value : textOf(value))}`,
          ),
        },
        { weight: 1, arbitrary: hostileText.map((text) => `${name}=${encoded(text)}`) },
      ),
    )
  const odd = fc.constantFrom(
    ...[
      '',
      '',
      '',
      '',
      '__proto__=1',
      'constructor[prototype]=1',
      'limit=1&limit=2',
      'a=%',
      '%ff=%fe',
      '&&&',
      '=',
      '?',
    ],
    ...[
      'cursor=',
      'limit=',
      'limit=1001',
      'label.site=berlin',
      'label.__proto__=x',
      'label.=x',
      'x'.repeat(5_000),
    ],
  )
  return fc.tuple(...named, odd).map((parts) => parts.filter((part) => part !== '').join('&'))
}

function bodyOf({ operation, bodies, known }: Surroundings): fc.Arbitrary<string | Buffer | undefined> {
  const schema = operation?.requestBody?.content['application/json']?.schema
  const sound =
    bodies.length > 0
      ? fc.oneof(...bodies.map((body) => around(body)))
      : schema === undefined
        ? fc.constant(undefined)
        : shaped(schema, known)
  const text = sound.map((value) => (value === undefined ? undefined : textOf(value)))
  return fc.oneof(
    { weight: 12, arbitrary: text },
    { weight: 1, arbitrary: fc.tuple(text, fc.nat(40)).map(([whole, by]) => whole?.slice(0, -by) ?? '{"a"') },
    { weight: 2, arbitrary: hostileBody },
  )
}

/** A value of the schema, with hostile ones in the place of parts of it. */
function shaped(schema: Schema, known: readonly string[], depth = 0): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: soundness, arbitrary: fitting(schema, known, depth) },
    { weight: 1, arbitrary: hostileValue },
  )
}

function fitting(schema: Schema, known: readonly string[], depth: number): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  const choices = schema.anyOf ?? schema.oneOf
  if (choices !== undefined) return fc.oneof(...choices.map((one) => shaped(one, known, depth)))
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  const below = (one: Schema | boolean | undefined) =>
    typeof one === 'object' && depth < 4 ? shaped(one, known, depth + 1) : hostileValue
  switch (type) {
    case 'object': {
      const fields = Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, field]) => [name, below(field)]),
      )
      const others = fc.dictionary(
        fc.oneof(fc.constantFrom('site', 'temperature_c'), hostileName),
        typeof schema.additionalProperties === 'object' ? below(schema.additionalProperties) : hostileValue,
        { maxKeys: 2 },
      )
      const whole = fc.record(fields, { requiredKeys: schema.required ?? [] })
      const partial = fc.record(fields, { requiredKeys: [] })
      return fc.oneof(
        { weight: 6, arbitrary: whole },
        { weight: 1, arbitrary: partial },
        {
          weight: 2,
          arbitrary: fc.tuple(whole, others).map(([a, b]) => ownFields({ ...ownFields(b), ...a })),
        },
      )
    }
    case 'array':
      return fc.array(below(schema.items), { maxLength: 4 })
    case 'integer':
    case 'number':
      return fc.oneof(fc.integer({ min: 0, max: 1_000 }), hostileNumber)
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'string':
      return fc.oneof(fc.constantFrom(...known), fc.constantFrom(...plainWords))
    default:
      return hostileValue
  }
}

const plainWords = [
  ...[
    '2026-11-23T12:00:00Z',
    '2026-11-23',
    '2026-11-24T12:00:00+01:00',
    '1h',
    '15m',
    'fridge',
    'temperature_c',
    'admin',
  ],
  ...['true', 'false', 'mean', 'last', '1', '17', '50', '1000', 'a text', 'maintenance', 'data'],
]

/** An example with hostile values in the place of parts of it, and without some of its fields. */
function around(example: unknown): fc.Arbitrary<unknown> {
  const sound: fc.Arbitrary<unknown> = Array.isArray(example)
    ? fc.tuple(...example.map((item) => around(item)))
    : typeof example === 'object' && example !== null
      ? fc
          .tuple(...Object.entries(example).map(([name, value]) => field(name, value)))
          .map((fields) => Object.fromEntries(fields.flat()))
      : fc.constant(example)
  return fc.oneof({ weight: 2 * soundness, arbitrary: sound }, { weight: 1, arbitrary: hostileValue })
}

/** A field as it is, none, or one beside it that nobody knows. */
function field(name: string, value: unknown): fc.Arbitrary<[string, unknown][]> {
  const kept = around(value)
  return fc.oneof(
    { weight: 4 * soundness, arbitrary: kept.map((one): [string, unknown][] => [[name, one]]) },
    { weight: 1, arbitrary: fc.constant<[string, unknown][]>([]) },
    {
      weight: 1,
      arbitrary: fc.tuple(kept, hostileName, hostileValue).map(([one, other, odd]): [string, unknown][] => [
        [name, one],
        [other, odd],
      ]),
    },
  )
}

function textOf(value: unknown): string {
  return (JSON.stringify(value) ?? 'null').replaceAll(`"${deepMark}"`, deep)
}

function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}
