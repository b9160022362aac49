import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import { productPage, productsPage } from '../pages/products.ts'
import { findProduct, largestProductId, listCategories, listProducts } from '../store/products.ts'
import { boughtTogether } from '../store/recommendations.ts'
import { notFound, respondWithPage, respondWithProblem } from './respond.ts'
import type { Services } from './services.ts'

const longestSearch = 100
const similarCount = 6
const categoriesTtlSeconds = 600

export function productRoutes(services: Services): Hono {
  const { database, cache } = services
  const routes = new Hono()

  routes.get('/', async (c) => {
    const search = plainText(c.req.query('q'))
    const category = plainText(c.req.query('category'))
    const [found, categories] = await Promise.all([
      listProducts(database.read, { search, category, page: positive(c.req.query('page')) ?? 1 }),
      cache.remember('shop:categories', categoriesTtlSeconds, () => listCategories(database.read)),
    ])
    return respondWithPage(c, services, productsPage({ search, category, categories, found }))
  })

  routes.get('/products/:id', async (c) => {
    const id = positive(c.req.param('id'))
    const product = id === undefined ? undefined : await findProduct(database.read, id)
    if (!product) return respondWithProblem(c, services, notFound)

    const [together, more] = await Promise.all([
      boughtTogether(database.read, cache, product.id),
      listProducts(database.read, { search: '', category: product.category, page: 1 }),
    ])
    const similar = more.products.filter(({ id }) => id !== product.id).slice(0, similarCount)
    // Each page is a form with its own reference, so that resubmitting it creates no second order. Never cache it.
    c.header('cache-control', 'private, no-store')
    return respondWithPage(c, services, productPage({ product, together, similar, reference: randomUUID() }))
  })

  return routes
}

/** PostgreSQL accepts every character except NUL. */
function plainText(typed = ''): string {
  return typed.replaceAll('\0', '').slice(0, longestSearch)
}

/** A whole number from 1 to the largest id, in decimal digits. */
function positive(text: string | undefined): number | undefined {
  if (text === undefined || !/^[1-9]\d{0,9}$/.test(text)) return undefined
  const value = Number(text)
  return value <= largestProductId ? value : undefined
}
