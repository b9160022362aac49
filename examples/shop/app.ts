import { Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import { DatabaseUnavailable, OutcomeUnknown } from './database/errors.ts'
import type { Problem } from './pages/problem.ts'
import { apiRoutes } from './routes/api.ts'
import { assetRoutes } from './routes/assets.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoutes } from './routes/health.ts'
import { orderRoutes } from './routes/orders.ts'
import { productRoutes } from './routes/products.ts'
import { notFound, respondWithProblem } from './routes/respond.ts'
import type { Services } from './routes/services.ts'

export function createApp(services: Services): Hono {
  const app = new Hono()

  app.use(securityHeaders)
  app.use(async (c, next) => {
    await next()
    if (!c.res.headers.has('cache-control')) c.header('cache-control', 'private, no-cache')
    if (services.isStopping()) c.header('connection', 'close')
  })

  for (const routes of [productRoutes, orderRoutes, apiRoutes, assetRoutes, eventRoutes, healthRoutes]) {
    app.route('/', routes(services))
  }

  app.notFound((c) => respondWithProblem(c, services, notFound))
  app.onError((error, c) => {
    const problem = problemFor(error)
    // Without a database, every request ends here. The health check shows that, so do not flood the log.
    if (problem.status === 500) services.logError(error, `${c.req.method} ${c.req.path}`)
    return respondWithProblem(c, services, problem)
  })
  return app
}

const securityHeaders = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
  // TLS is up to the edge.
  strictTransportSecurity: false,
})

function problemFor(error: unknown): Problem {
  if (error instanceof OutcomeUnknown) {
    return {
      status: 503,
      code: 'outcome_unknown',
      title: 'We could not confirm your order',
      advice:
        'It may have been placed. Please check your orders before you try again, or send it again with the same reference.',
      link: { href: '/orders', label: 'Your orders' },
    }
  }
  if (error instanceof DatabaseUnavailable) {
    return {
      status: 503,
      code: 'unavailable',
      title: 'One moment, please',
      advice: 'The shop cannot reach its database right now. Nothing was changed. Please try again.',
    }
  }
  return {
    status: 500,
    code: 'internal',
    title: 'Something went wrong',
    advice: 'This is our fault, and we have logged it. Please try again.',
  }
}
