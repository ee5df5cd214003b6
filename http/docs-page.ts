import { escapeHtml } from './html-page.ts'

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[]
  readonly summary?: string
  readonly 'x-role'?: string
}

/** The operations of an OpenAPI document as a plain page that loads nothing from elsewhere. */
export function docsPage(document: unknown): string {
  const { info, paths = {} } = document as {
    info: { title: string; version: string }
    paths?: Record<string, Record<string, Operation>>
  }
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => row(method, path, operation)),
  )
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escapeHtml(info.title)} API</title>
<h1>${escapeHtml(info.title)} API ${escapeHtml(info.version)}</h1>
<p>Bodies and parameters in full: <a href="/openapi.json">openapi.json</a>. Send <code>Authorization: Bearer</code> and a token.
MQTT: <a href="/asyncapi.json">asyncapi.json</a>.</p>
<table><thead><tr><th>Method<th>Path<th>Least role<th>Query<th>Does</thead><tbody>
${rows.join('\n')}
</tbody></table></html>
`
}

function row(method: string, path: string, operation: Operation): string {
  const query = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query')
  const names = query.map(({ name, required }) => (required ? name : `[${name}]`)).join(' ')
  const cells = [method.toUpperCase(), path, operation['x-role'] ?? 'none', names, operation.summary ?? '']
  return `<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}`).join('')}`
}
