/**
 * An order of regions, nearest first, as indexes into the table's regions. Equal distances stand in topology order,
 * so the same input gives the same order everywhere.
 */
export function rank(distances: ArrayLike<number>): Uint8Array {
  return Uint8Array.from(
    Array.from(distances, (_, region) => region).sort((a, b) => distances[a]! - distances[b]! || a - b),
  )
}

/** Few orders are shared by many prefixes: each gets a number, in the order of first use. */
export class Rankings {
  readonly #numbers = new Map<string, number>()
  readonly #orders: Uint8Array[] = []

  numberOf(order: Uint8Array): number {
    const key = String.fromCharCode(...order)
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const number = this.#orders.push(order) - 1
    this.#numbers.set(key, number)
    return number
  }

  order(number: number): Uint8Array {
    return this.#orders[number]!
  }

  all(): readonly Uint8Array[] {
    return this.#orders
  }
}

/**
 * How much a later choice counts against the one before it when a prefix has to share a ranking: it is used only
 * while the ones before it are lost or drained.
 */
const laterChoice = 1 / 16

/**
 * Distance of a ranking, km: its regions' distances, each later choice counting less. The order by distance has the
 * least; so the difference to that one is what a shared ranking costs.
 */
export function distanceOf(order: Uint8Array, distances: ArrayLike<number>): number {
  let [sum, weight] = [0, 1]
  for (const region of order) {
    sum += weight * distances[region]!
    weight *= laterChoice
  }
  return sum
}
