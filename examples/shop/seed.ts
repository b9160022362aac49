/**
 * The release command: runs once in the primary region before the instances of a release start. Migrates the schema and
 * fills an empty shop, in one transaction, so that it can be repeated or interrupted at any time.
 */
import { migrate } from './database/migrate.ts'
import { openDatabase } from './database/open.ts'
import type { Query } from './database/query.ts'
import { generateOrders, generateProducts, type SeedOrder, type SeedProduct } from './generator/generate.ts'
import { SettingsError, settingsFrom } from './settings.ts'

const seed = 1
const orderCount = 5_000
/** A new world may still be electing its first primary. */
const retryForMs = 60_000

async function release(query: Query): Promise<string> {
  const applied = await migrate(query)
  const [row] = await query<{ seeded: boolean }>('SELECT EXISTS (SELECT FROM products) AS seeded')
  if (row?.seeded) return `${applied.length} migrations applied, the shop already has data`

  const products = generateProducts(seed)
  const orders = generateOrders(seed, products, orderCount)
  await insertProducts(query, products)
  await insertOrders(query, orders)
  await query('ANALYZE products, orders, order_lines')
  return `${applied.length} migrations applied, ${products.length} products and ${orders.length} orders inserted`
}

/** One statement per table: a column is one array parameter. */
async function insertProducts(query: Query, products: SeedProduct[]): Promise<void> {
  await query(
    `INSERT INTO products (id, name, category, description, price_cents, motif, hue)
     SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::smallint[])`,
    [
      products.map(({ id }) => id),
      products.map(({ name }) => name),
      products.map(({ category }) => category),
      products.map(({ description }) => description),
      products.map(({ priceCents }) => priceCents),
      products.map(({ motif }) => motif),
      products.map(({ hue }) => hue),
    ],
  )
}

async function insertOrders(query: Query, orders: SeedOrder[]): Promise<void> {
  await query(
    `INSERT INTO orders (id, reference, customer_id, placed_at)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[])`,
    [
      orders.map(({ id }) => id),
      orders.map(({ reference }) => reference),
      orders.map(({ customerId }) => customerId),
      orders.map(({ placedAt }) => placedAt),
    ],
  )
  const lines = orders.flatMap(({ id, lines }) => lines.map((line) => ({ orderId: id, ...line })))
  await query(
    `INSERT INTO order_lines (order_id, product_id, quantity, unit_price_cents)
     SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::int[])`,
    [
      lines.map(({ orderId }) => orderId),
      lines.map(({ productId }) => productId),
      lines.map(({ quantity }) => quantity),
      lines.map(({ unitPriceCents }) => unitPriceCents),
    ],
  )
}

try {
  const database = openDatabase(settingsFrom(process.env))
  const startedAt = performance.now()
  try {
    const done = await database.write(release, { idempotent: true, retryForMs })
    console.log(`shop: ${done} (${Math.round(performance.now() - startedAt)} ms)`)
  } finally {
    await database.close()
  }
} catch (error) {
  console.error(error instanceof SettingsError ? error.message : error)
  process.exitCode = 1
}
