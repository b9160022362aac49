import type { Motif } from '../store/products.ts'
import { type Random, randomFrom } from './random.ts'
import { categories, series } from './vocabulary.ts'

export type SeedProduct = {
  id: number
  name: string
  category: string
  description: string
  priceCents: number
  motif: Motif
  hue: number
}

export type SeedOrder = {
  id: string
  reference: string
  customerId: string
  placedAt: Date
  lines: { productId: number; quantity: number; unitPriceCents: number }[]
}

const dayMs = 24 * 60 * 60 * 1000
/** A fixed time instead of "now", so that the same seed always gives the same orders. */
const lastOrderAt = Date.UTC(2026, 0, 1)

/** Every product once, shuffled, because the shop lists by id. */
export function generateProducts(seed: number): SeedProduct[] {
  const random = randomFrom(seed)
  const products: Omit<SeedProduct, 'id'>[] = []
  for (const [category, { kinds, praise }] of Object.entries(categories)) {
    for (const { noun, motif, dollars } of kinds) {
      for (const { name, made, hue } of series) {
        const fairDollars = Math.max(5, Math.round(dollars * (0.85 + random.fraction() * 0.35)))
        products.push({
          name: `${name} ${noun}`,
          category,
          description: `${noun} ${made}. ${praise}`,
          priceCents: fairDollars * 100 - random.pick([0, 0, 5, 50]),
          motif,
          hue,
        })
      }
    }
  }
  return shuffled(products, random).map((product, index) => ({ id: index + 1, ...product }))
}

/**
 * Orders of the 90 days before `lastOrderAt`, oldest first.
 *
 * Low ids sell more, and most further lines of an order come from the first line's set (same series and category), so
 * that "bought together" finds real patterns.
 */
export function generateOrders(seed: number, products: SeedProduct[], count: number): SeedOrder[] {
  const random = randomFrom(seed + 1)
  const customers = Array.from({ length: 800 }, () => random.uuid())
  const sets = Map.groupBy(products, setOf)

  const popular = () => products[Math.floor(random.fraction() * random.fraction() * products.length)]!
  return Array.from({ length: count }, (_, index) => {
    const first = popular()
    const chosen = new Set([first])
    const wanted = 1 + random.below(5)
    while (chosen.size < wanted) {
      chosen.add(random.fraction() < 0.75 ? random.pick(sets.get(setOf(first))!) : popular())
    }
    return {
      id: random.uuid(),
      reference: `seed-${String(index + 1).padStart(6, '0')}`,
      customerId: random.pick(customers),
      placedAt: new Date(lastOrderAt - Math.floor(((count - index) / count) * 90 * dayMs)),
      lines: Array.from(chosen, ({ id, priceCents }) => ({
        productId: id,
        quantity: random.pick([1, 1, 1, 2, 2, 3]),
        unitPriceCents: priceCents,
      })),
    }
  })
}

const setOf = (product: SeedProduct) => `${product.name.split(' ', 1)[0]} ${product.category}`

/** Fisher-Yates. */
function shuffled<T>(items: T[], random: Random): T[] {
  const result = [...items]
  for (let last = result.length - 1; last > 0; last--) {
    const other = random.below(last + 1)
    ;[result[last], result[other]] = [result[other]!, result[last]!]
  }
  return result
}
