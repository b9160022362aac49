import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { Services } from './services.ts'

/** Server-sent events for open pages. A browser that loses its region reconnects to another one. */
export function eventRoutes({ ticker }: Services): Hono {
  const routes = new Hono()

  routes.get('/events', (c) => {
    c.header('cache-control', 'no-store')
    return streamSSE(c, async (stream) => {
      await stream.write('retry: 1000\n\n')
      for (let news = await ticker.next(); news !== undefined; news = await ticker.next()) {
        if (stream.closed || stream.aborted) return
        await stream.writeSSE({ event: 'news', data: JSON.stringify(news) })
      }
    })
  })

  return routes
}
