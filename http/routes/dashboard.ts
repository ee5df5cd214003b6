import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { sendProblem } from '../problem.ts'

/** What the build makes; a file of another kind is not served. */
const contentTypes: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/** Only what was built with the page runs or is loaded, nothing inline; it talks to nobody but this server. */
const securityHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
}

/** The name of an asset has a hash of its content in it: what is under a name never changes. */
const forEver = 'public, max-age=31536000, immutable'
const notBuilt = 'the dashboard is not built: npm run build'

interface Asset {
  readonly type: string
  readonly plain: Buffer
  readonly gzipped: Buffer
}

/**
 * The page at `/` and its assets, read once from the folder that the build made: no name in a request reaches the disk. The page finds
 * its way by the hash of the address, so these are all paths there are.
 */
export async function dashboardRoutes(
  app: Api,
  { dashboardDir }: Pick<HttpDeps, 'dashboardDir'>,
): Promise<void> {
  const { page, assets } = await readBuilt(dashboardDir)

  app.get('/', { schema: { hide: true } }, async (request, reply) => {
    if (page === undefined) return sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', notBuilt)
    return send(request, reply, page, 'no-cache')
  })

  app.get(
    '/assets/:name',
    { schema: { hide: true, params: z.object({ name: z.string() }) } },
    async (request, reply) => {
      const asset = assets.get(request.params.name)
      if (asset === undefined)
        return sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', 'there is nothing at this path')
      return send(request, reply, asset, forEver)
    },
  )
}

function send(request: FastifyRequest, reply: FastifyReply, asset: Asset, cacheControl: string) {
  const takesGzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
  reply.headers({ ...securityHeaders, 'cache-control': cacheControl, vary: 'accept-encoding' })
  if (takesGzip) reply.header('content-encoding', 'gzip')
  return reply.type(asset.type).send(takesGzip ? asset.gzipped : asset.plain)
}

async function readBuilt(dir: string): Promise<{ page?: Asset; assets: Map<string, Asset> }> {
  const assets = new Map<string, Asset>()
  try {
    for (const name of readdirSync(join(dir, 'assets'))) {
      const type = contentTypes[extname(name)]
      if (type !== undefined) assets.set(name, await asset(join(dir, 'assets', name), type))
    }
    return { page: await asset(join(dir, 'index.html'), 'text/html; charset=utf-8'), assets }
  } catch (error) {
    // A platform that runs from its sources has no page; everything else of it works.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { assets }
    throw error
  }
}

async function asset(path: string, type: string): Promise<Asset> {
  const plain = readFileSync(path)
  return { type, plain, gzipped: await promisify(gzip)(plain, { level: 9 }) }
}
