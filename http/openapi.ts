import swagger from '@fastify/swagger'
import fastify, { type RouteOptions } from 'fastify'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'
import { withAnswers } from './openapi-answers.ts'
import { schemaController } from './schema-controller.ts'

export type OpenApiDocument = ReturnType<ReturnType<typeof fastify>['swagger']>

/** What `/openapi.json` answers, of routes as they were registered: made in a server of its own, which answers nothing. */
export async function openApiDocument(routes: readonly RouteOptions[]): Promise<OpenApiDocument> {
  const app = fastify({ exposeHeadRoutes: false, schemaController })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Tidemark', version: '0.1.0' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: describe,
    transformObject: (made) =>
      'openapiObject' in made ? withAnswers(made.openapiObject) : made.swaggerObject,
  })
  for (const { method, url, schema, config } of routes)
    app.route({ method, url, ...(schema && { schema }), ...(config && { config }), handler: () => undefined })
  await app.ready()
  return app.swagger()
}

/** A route: its schemas, and the least role that may call it. */
const describe: typeof jsonSchemaTransform = (input) => {
  const { schema, url } = jsonSchemaTransform(input)
  const role = (input as { route?: RouteOptions }).route?.config?.role
  return { schema: { ...schema, ...(role === undefined ? { security: [] } : { 'x-role': role }) }, url }
}
