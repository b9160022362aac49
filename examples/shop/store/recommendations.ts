import type { Cache } from '../cache.ts'
import type { Query } from '../database/query.ts'
import { findProducts, type Product } from './products.ts'

const ttlSeconds = 300
const howMany = 4

/**
 * Products bought together with this one, most frequent first; may be empty.
 *
 * Caches only the ranking, as ids: it is the expensive part and may be minutes old. Names and prices must be current,
 * so they are read each time.
 */
export async function boughtTogether(query: Query, cache: Cache, productId: number): Promise<Product[]> {
  const ids = await cache.remember(`shop:bought-together:${productId}`, ttlSeconds, () =>
    rankBoughtTogether(query, productId),
  )
  return ids.length === 0 ? [] : findProducts(query, ids)
}

async function rankBoughtTogether(query: Query, productId: number): Promise<number[]> {
  const rows = await query<{ id: number }>(
    `SELECT other.product_id AS id
     FROM order_lines AS this JOIN order_lines AS other USING (order_id)
     WHERE this.product_id = $1 AND other.product_id <> $1
     GROUP BY other.product_id
     ORDER BY count(*) DESC, other.product_id
     LIMIT ${howMany}`,
    [productId],
  )
  return rows.map(({ id }) => id)
}
