import { randomUUID } from 'node:crypto'
import type { Database } from '../database/open.ts'
import type { Query } from '../database/query.ts'

export type OrderLine = { productId: number; name: string; quantity: number; unitPriceCents: number }

export type Order = {
  id: string
  reference: string
  /** ISO 8601 with microseconds, the database's precision, so that it works as a cursor. */
  placedAt: string
  totalCents: number
  lines: OrderLine[]
}

export type NewOrder = {
  /** Chosen by the client; the same reference never creates a second order. */
  reference: string
  customerId: string
  lines: { productId: number; quantity: number }[]
}

export type Placement =
  | { kind: 'placed'; order: Order }
  /** The reference exists with the same lines: a repeated request. */
  | { kind: 'repeated'; order: Order }
  /** The reference exists with other lines. */
  | { kind: 'reference taken'; order: Order }
  | { kind: 'unknown products'; productIds: number[] }

/**
 * Places an order exactly once, however often it is tried.
 *
 * An existing reference is *updated*, not ignored. The update makes this transaction wait for the same replication as
 * the first one, so an order whose own commit was ambiguous is never reported as placed too early.
 */
export async function placeOrder(database: Database, wanted: NewOrder): Promise<Placement> {
  const ids = wanted.lines.map(({ productId }) => productId)
  const quantities = wanted.lines.map(({ quantity }) => quantity)
  const newId = randomUUID()

  return database.write(
    async (query): Promise<Placement> => {
      const known = await query<{ id: number }>('SELECT id FROM products WHERE id = ANY ($1::int[])', [ids])
      if (known.length < ids.length) {
        const found = new Set(known.map(({ id }) => id))
        return { kind: 'unknown products', productIds: ids.filter((id) => !found.has(id)) }
      }

      const [row] = await query<{ id: string; submissions: number }>(
        `INSERT INTO orders (id, reference, customer_id) VALUES ($1, $2, $3)
         ON CONFLICT (reference) DO UPDATE SET submissions = orders.submissions + 1
         RETURNING id, submissions`,
        [newId, wanted.reference, wanted.customerId],
      )
      const { id, submissions } = row!
      if (submissions === 1) {
        await query(
          `INSERT INTO order_lines (order_id, product_id, quantity, unit_price_cents)
           SELECT $1, id, quantity, price_cents
           FROM products JOIN unnest($2::int[], $3::int[]) AS wanted (id, quantity) USING (id)`,
          [id, ids, quantities],
        )
      }
      const order = (await findOrder(query, id))!
      // Also if an earlier attempt placed it and its answer was lost.
      if (id === newId) return { kind: 'placed', order }
      return { kind: hasSameLines(order, wanted) ? 'repeated' : 'reference taken', order }
    },
    { idempotent: true },
  )
}

function hasSameLines(order: Order, wanted: NewOrder): boolean {
  const quantities = new Map(order.lines.map(({ productId, quantity }) => [productId, quantity]))
  return (
    wanted.lines.length === quantities.size &&
    wanted.lines.every(({ productId, quantity }) => quantities.get(productId) === quantity)
  )
}

const placedAt = `to_char(o.placed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
const select = `
  SELECT o.id, o.reference, ${placedAt} AS "placedAt",
         sum(l.quantity * l.unit_price_cents)::int AS "totalCents",
         json_agg(json_build_object('productId', p.id, 'name', p.name, 'quantity', l.quantity,
                                    'unitPriceCents', l.unit_price_cents) ORDER BY p.name) AS lines
  FROM orders o JOIN order_lines l ON l.order_id = o.id JOIN products p ON p.id = l.product_id`

export async function findOrder(query: Query, id: string): Promise<Order | undefined> {
  return (await query<Order>(`${select} WHERE o.id = $1 GROUP BY o.id`, [id]))[0]
}

/** The newest orders of one customer, newest first. */
export async function ordersOfCustomer(query: Query, customerId: string, limit: number): Promise<Order[]> {
  return query<Order>(
    `${select} WHERE o.customer_id = $1 GROUP BY o.id ORDER BY o.placed_at DESC, o.id LIMIT $2`,
    [customerId, limit],
  )
}

export async function ordersByReference(query: Query, references: string[]): Promise<Order[]> {
  return query<Order>(
    `${select} WHERE o.reference = ANY ($1::text[]) GROUP BY o.id ORDER BY o.placed_at, o.id`,
    [references],
  )
}

/** Orders from `since` on, oldest first; `after` is the id of the last order seen at exactly that time. */
export async function ordersSince(
  query: Query,
  { since, after, limit }: { since: string; after: string; limit: number },
): Promise<Order[]> {
  return query<Order>(
    `${select}
     WHERE o.id IN (
       SELECT id FROM orders WHERE (placed_at, id) > ($1::timestamptz, $2::uuid) ORDER BY placed_at, id LIMIT $3
     )
     GROUP BY o.id ORDER BY o.placed_at, o.id`,
    [since, after, limit],
  )
}

/** For the ticker on every page. */
export async function newestOrder(
  query: Query,
): Promise<{ id: string; placedAt: string; name: string } | undefined> {
  const rows = await query<{ id: string; placedAt: string; name: string }>(
    `SELECT o.id, ${placedAt} AS "placedAt", (
       SELECT p.name FROM order_lines l JOIN products p ON p.id = l.product_id
       WHERE l.order_id = o.id ORDER BY l.unit_price_cents DESC LIMIT 1) AS name
     FROM orders o ORDER BY o.placed_at DESC, o.id LIMIT 1`,
  )
  return rows[0]
}
