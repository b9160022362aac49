/**
 * Orders regions by distance, nearest first, as indexes into the table's regions. Equal distances keep the topology
 * order, so the same input gives the same order everywhere.
 */
export function rank(distances: ArrayLike<number>): Uint8Array {
  const order = new Uint8Array(distances.length)
  // Insertion: regions are few, and this runs for every network of the world.
  for (let region = 0; region < order.length; region++) {
    let at = region
    while (at > 0 && distances[order[at - 1]!]! > distances[region]!) {
      order[at] = order[at - 1]!
      at--
    }
    order[at] = region
  }
  return order
}

/** Interns rankings: many prefixes share few of them. Numbers are assigned in order of first use. */
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
 * Weight of each choice in a ranking relative to the one before it, for prefixes that must share a ranking. A later
 * choice matters less, since it is used only while all before it are unhealthy or drained.
 */
const laterChoice = 1 / 16

/**
 * Weighted sum of the distances of a ranking's regions, km. The ranking by distance has the lowest sum, so the
 * difference from it is the cost of a shared ranking.
 */
export function distanceOf(order: Uint8Array, distances: ArrayLike<number>): number {
  let [sum, weight] = [0, 1]
  for (const region of order) {
    sum += weight * distances[region]!
    weight *= laterChoice
  }
  return sum
}
