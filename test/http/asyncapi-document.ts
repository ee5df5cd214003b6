import { Ajv } from 'ajv'

/** `/asyncapi.json`, as much of it as tests look at. */
export interface SchemaDocument {
  readonly servers: Readonly<Record<string, { host: string; protocol: string; pathname?: string }>>
  readonly channels: Readonly<Record<string, { address: string }>>
  readonly operations: Readonly<Record<string, { action: string; channel: { $ref: string } }>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}

/** Whether a payload is as the message `name` of the document says. */
export function validatorOf({ components }: SchemaDocument, name: string): (payload: unknown) => boolean {
  return compiled(components.schemas[name]!)
}

export function compiled(schema: object): (value: unknown) => boolean {
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema)
  return (value) => validate(value) === true
}
