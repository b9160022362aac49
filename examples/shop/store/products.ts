import type { Query } from '../database/query.ts'

/** The picture of a product; see pages/picture.ts. */
export type Motif =
  | 'mug'
  | 'bowl'
  | 'pot'
  | 'pan'
  | 'board'
  | 'bottle'
  | 'cloth'
  | 'book'
  | 'lamp'
  | 'box'
  | 'tent'
  | 'bag'
  | 'plant'
  | 'chair'
  | 'candle'

export type Product = {
  id: number
  name: string
  category: string
  description: string
  priceCents: number
  motif: Motif
  /** In degrees. */
  hue: number
}

export type ProductPage = { products: Product[]; total: number; page: number; pages: number }

export const pageSize = 24
/** `id` is an `integer`; a larger number would be a database error instead of "not found". */
export const largestProductId = 2_147_483_647

const columns = 'id, name, category, description, price_cents AS "priceCents", motif, hue'

/** One page of matches; a page past the end is the last one. */
export async function listProducts(
  query: Query,
  filter: { search: string; category: string; page: number },
): Promise<ProductPage> {
  const conditions = ['true']
  const values: unknown[] = []
  if (filter.search.trim() !== '') {
    conditions.push(`search @@ to_tsquery('english', $${values.push(prefixQuery(filter.search))})`)
  }
  if (filter.category !== '') {
    conditions.push(`category = $${values.push(filter.category)}`)
  }
  const where = conditions.join(' AND ')

  const [counted] = await query<{ total: number }>(
    `SELECT count(*)::int AS total FROM products WHERE ${where}`,
    values,
  )
  const total = counted?.total ?? 0
  const pages = Math.max(1, Math.ceil(total / pageSize))
  const page = Math.min(Math.max(1, filter.page), pages)
  const products = await query<Product>(
    `SELECT ${columns} FROM products WHERE ${where} ORDER BY id
     LIMIT ${pageSize} OFFSET $${values.push((page - 1) * pageSize)}`,
    values,
  )
  return { products, total, page, pages }
}

export async function findProduct(query: Query, id: number): Promise<Product | undefined> {
  return (await query<Product>(`SELECT ${columns} FROM products WHERE id = $1`, [id]))[0]
}

/** In the order of `ids`; omits unknown ids. */
export async function findProducts(query: Query, ids: number[]): Promise<Product[]> {
  return query<Product>(
    `SELECT ${columns} FROM products JOIN unnest($1::int[]) WITH ORDINALITY AS wanted (id, place) USING (id) ORDER BY place`,
    [ids],
  )
}

export async function listCategories(query: Query): Promise<string[]> {
  const rows = await query<{ category: string }>('SELECT DISTINCT category FROM products ORDER BY category')
  return rows.map(({ category }) => category)
}

/** User input as a PostgreSQL text query: all words must match, each as a prefix. */
export function prefixQuery(typed: string): string {
  const words = typed.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  return words
    .slice(0, 8)
    .map((word) => `${word}:*`)
    .join(' & ')
}
