import { randomUUID } from 'node:crypto'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { orderPage, ordersPage } from '../pages/orders.ts'
import { findOrder, type Order, ordersOfCustomer, type Placement, placeOrder } from '../store/orders.ts'
import { customerOf, knownCustomer, rememberCustomer } from './customer.ts'
import { type Parsed, parseFormOrder, parseJsonOrder } from './order-request.ts'
import { isUuid, notFound, respondWithPage, respondWithProblem, wantsJson } from './respond.ts'
import type { Services } from './services.ts'

const largestBodyBytes = 16 * 1024
const historyLength = 50

const parsers: Record<string, (body: string) => Parsed> = {
  'application/json': parseJsonOrder,
  'application/x-www-form-urlencoded': parseFormOrder,
}

export function orderRoutes(services: Services): Hono {
  const { database } = services
  const routes = new Hono()

  routes.use('/orders/*', async (c, next) => {
    await next()
    c.header('vary', 'accept')
  })

  routes.post(
    '/orders',
    bodyLimit({ maxSize: largestBodyBytes, onError: (c) => tooLarge(c, services) }),
    async (c) => {
      // SameSite keeps the cookie from other sites; this also prevents them from placing anonymous orders.
      if (c.req.header('sec-fetch-site') === 'cross-site') return fromElsewhere(c, services)
      const parse = parsers[c.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? '']
      if (!parse) return unreadable(c, services)
      const parsed = parse(await c.req.text())
      if (!parsed.ok) return invalid(c, services, parsed.problems)

      const { lines, reference = randomUUID() } = parsed.request
      const customerId = customerOf(c)
      return answer(c, services, customerId, await placeOrder(database, { reference, customerId, lines }))
    },
  )

  routes.get('/orders', async (c) => {
    const customerId = knownCustomer(c)
    const orders = customerId ? await ordersOfCustomer(database.read, customerId, historyLength) : []
    return wantsJson(c) ? c.json({ orders }) : respondWithPage(c, services, ordersPage(orders))
  })

  // The id is a random UUID and an order has no personal data: anyone with the address may see it.
  routes.get('/orders/:id', async (c) => {
    const id = c.req.param('id')
    if (!isUuid(id)) return respondWithProblem(c, services, notFound)
    // The replica may not have a new order yet. Only the primary knows that an order does not exist.
    const order = (await findOrder(database.read, id)) ?? (await findOrder(database.readPrimary, id))
    if (!order) return respondWithProblem(c, services, notFound)
    return wantsJson(c) ? c.json(order) : respondWithPage(c, services, orderPage(order))
  })

  return routes
}

function answer(c: Context, services: Services, customerId: string, placement: Placement) {
  switch (placement.kind) {
    case 'placed':
      rememberCustomer(c, customerId)
      return showOrder(c, placement.order, 201)
    case 'repeated':
      return showOrder(c, placement.order, 200)
    case 'reference taken':
      return respondWithProblem(c, services, {
        status: 409,
        code: 'reference_taken',
        title: 'This has already been ordered',
        advice: 'An earlier order with other products has the same reference, so nothing new was ordered.',
        link: { href: `/orders/${placement.order.id}`, label: 'See the earlier order' },
      })
    case 'unknown products':
      return invalid(
        c,
        services,
        placement.productIds.map((id) => `lines: no product ${id}`),
      )
  }
}

function showOrder(c: Context, order: Order, status: 201 | 200) {
  const address = `/orders/${order.id}`
  if (!wantsJson(c)) return c.redirect(address, 303)
  c.header('location', address)
  return c.json(order, status)
}

const invalid = (c: Context, services: Services, details: string[]) =>
  respondWithProblem(c, services, {
    status: 400,
    code: 'invalid_order',
    title: 'This order cannot be placed',
    advice: 'Nothing was ordered. Please check what you sent.',
    details,
  })

const unreadable = (c: Context, services: Services) =>
  respondWithProblem(c, services, {
    status: 415,
    code: 'unsupported_content_type',
    title: 'Unsupported order format',
    advice: `Send it as ${Object.keys(parsers).join(' or ')}.`,
  })

const tooLarge = (c: Context, services: Services) =>
  respondWithProblem(c, services, {
    status: 413,
    code: 'too_large',
    title: 'This order is too large',
    advice: `Send at most ${largestBodyBytes / 1024} KiB.`,
  })

const fromElsewhere = (c: Context, services: Services) =>
  respondWithProblem(c, services, {
    status: 403,
    code: 'cross_site',
    title: 'This order came from another site',
    advice: 'Nothing was ordered. Please order from the shop itself.',
  })
