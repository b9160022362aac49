import { randomUUID } from 'node:crypto'
import { pick, type Random, seeded, wholeBetween } from '../../users/plan/random.ts'

type Customer = { user: string; customer: string }

const customersPerRegion = 20
/** The shop's page shows the 50 newest orders, so the user becomes a new customer before exceeding that. */
const ordersPerCustomer = 40
const productCount = 2000

/**
 * The customers at each edge. Ids and references are new for every run, so that nothing of an earlier run can be
 * mistaken for this one. The seed determines the order of customers and what they buy.
 */
export class Customers {
  readonly run = randomUUID().slice(0, 8)
  readonly #random: ReadonlyMap<string, Random>
  readonly #customers = new Map<string, { id: string; orders: number }>()

  constructor(regions: readonly string[], seed: number) {
    this.#random = new Map(regions.map((region) => [region, seeded(seed, `orders ${region}`)]))
  }

  /** Prefix of every reference of this run. */
  get prefix(): string {
    return `drill-${this.run}-`
  }

  order(region: string, n: number): Customer & { reference: string; body: string } {
    const random = this.#random.get(region)!
    const reference = `${this.prefix}${region}-${n}`
    const lines = [{ productId: wholeBetween(random, 1, productCount), quantity: wholeBetween(random, 1, 9) }]
    const someone = this.#someone(region, random)
    const known = this.#customers.get(someone.user)!
    known.orders += 1
    return { ...someone, reference, body: JSON.stringify({ reference, lines }) }
  }

  visit(region: string): Customer & { page?: string } {
    const random = this.#random.get(region)!
    const someone = this.#someone(region, random)
    if (random() < 0.5) return someone
    return { ...someone, page: pick(random, ['/', `/products/${wholeBetween(random, 1, productCount)}`]) }
  }

  #someone(region: string, random: Random): Customer {
    const user = `orders-${region}-${wholeBetween(random, 1, customersPerRegion)}`
    const known = this.#customers.get(user)
    if (known && known.orders < ordersPerCustomer) return { user, customer: known.id }
    const id = randomUUID()
    this.#customers.set(user, { id, orders: 0 })
    return { user, customer: id }
  }
}
