import { type Context, Hono } from 'hono'
import { ordersByReference, ordersSince } from '../store/orders.ts'
import { isReference } from './order-request.ts'
import { isUuid, respondWithProblem } from './respond.ts'
import type { Services } from './services.ts'

const mostReferences = 100
const mostOrders = 1_000
const lowestId = '00000000-0000-0000-0000-000000000000'
const timePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$/

/**
 * For programs that verify orders. Reads from the primary, because a missing order on a lagging replica proves nothing;
 * `source=replica` reads from the local replica.
 */
export function apiRoutes(services: Services): Hono {
  const { database } = services
  const routes = new Hono()

  routes.get('/api/orders', async (c) => {
    const query = c.req.query('source') === 'replica' ? database.read : database.readPrimary
    const references = c.req.queries('reference') ?? []
    if (references.length > 0) {
      if (references.length > mostReferences || !references.every(isReference))
        return invalid(c, services, `reference: expected at most ${mostReferences} order references`)
      return c.json({ orders: await ordersByReference(query, references), next: null })
    }

    const { since = '', after = lowestId, limit: wanted = String(mostOrders) } = c.req.query()
    if (!timePattern.test(since) || Number.isNaN(Date.parse(since))) {
      return invalid(c, services, 'since: expected a time such as 2026-01-31T12:00:00Z, or use reference')
    }
    if (!isUuid(after)) return invalid(c, services, 'after: expected the id of an order')
    const limit = Number(wanted)
    if (!Number.isInteger(limit) || limit < 1 || limit > mostOrders) {
      return invalid(c, services, `limit: expected a number from 1 to ${mostOrders}`)
    }

    const orders = await ordersSince(query, { since, after, limit })
    const last = orders.length === limit ? orders.at(-1) : undefined
    const next =
      last && `/api/orders?${new URLSearchParams({ since: last.placedAt, after: last.id, limit: wanted })}`
    return c.json({ orders, next: next ?? null })
  })

  return routes
}

const invalid = (c: Context, services: Services, detail: string) =>
  respondWithProblem(c, services, {
    status: 400,
    code: 'invalid_query',
    title: 'Invalid query',
    advice: 'Please correct the query.',
    details: [detail],
  })
