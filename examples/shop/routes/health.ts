import { Hono } from 'hono'
import type { Services } from './services.ts'

/**
 * Whether this instance should get requests: it is not stopping, and it can read.
 *
 * Checks neither the primary nor Redis. While the primary moves, every instance everywhere lacks one at the same time:
 * reporting that here would take down the whole shop, including reads. Without Redis, the shop is only slower.
 */
export function healthRoutes({ region, database, cache, isStopping }: Services): Hono {
  const routes = new Hono()

  routes.get('/healthz', async (c) => {
    const isReadable = await database.isReadable()
    const isReady = isReadable && !isStopping()
    c.header('cache-control', 'no-store')
    return c.json(
      {
        status: isReady ? 'ready' : isStopping() ? 'stopping' : 'not ready',
        region,
        database: isReadable ? 'up' : 'down',
        cache: cache.state(),
      },
      isReady ? 200 : 503,
    )
  })

  return routes
}
