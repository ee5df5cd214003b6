/** JSON Schema 2020-12, as much of it as the document uses. */
export interface Schema {
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: string[]
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly $ref?: string
}

/** One operation of `/openapi.json`. */
export interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema?: Schema }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Schema }>> }
}

const parameter = /(?<!:):(\w+)(\([^)]*\))?/g

/** A route's URL, as it was registered, with its parameters filled in. */
export function filledPath(url: string, fill: (name: string) => string): string {
  return url.replace(parameter, (_, name: string) => fill(name)).replace('::', ':')
}

/** The operation of a route; HEAD has that of its GET. */
export function operationOf(
  document: { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> },
  { method, url }: { readonly method: string; readonly url: string },
): Operation | undefined {
  const path = filledPath(url, (name) => `{${name}}`)
  return document.paths[path]?.[method === 'HEAD' ? 'get' : method.toLowerCase()]
}
