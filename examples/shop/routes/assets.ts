import { Hono } from 'hono'
import { notFound, respondWithProblem } from './respond.ts'
import type { Services } from './services.ts'

export function assetRoutes(services: Services): Hono {
  const routes = new Hono()

  routes.get('/assets/:name', (c) => {
    const asset = services.assets.find(c.req.param('name'))
    if (!asset) return respondWithProblem(c, services, notFound)
    c.header('etag', asset.etag)
    c.header('cache-control', asset.cacheControl)
    // Caches may have made the tag weak; several may be listed.
    if (c.req.header('if-none-match')?.includes(asset.etag)) return c.body(null, 304)
    return c.body(asset.body, 200, { 'content-type': asset.contentType })
  })

  return routes
}
