/** A number in [0, 1). */
export type Random = () => number

/**
 * A pseudorandom sequence determined by seed and name. Each use has its own sequence, so that an additional draw here
 * changes nothing elsewhere. (sfc32 by Chris Doty-Humphrey, seeded by FNV-1a; not for secrets.)
 */
export function seeded(seed: number, name: string): Random {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  let [a, b, c, counter] = [hash | 0, seed | 0, Math.floor(seed / 2 ** 32) | 0, 1]
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }
  for (let i = 0; i < 15; i++) next()
  return next
}

/** Time until the next of independent events that are `mean` apart on average. */
export const exponential = (random: Random, mean: number): number => -Math.log(1 - random()) * mean

export const between = (random: Random, low: number, high: number): number => low + random() * (high - low)

/** A whole number from `low` to `high`, inclusive. */
export const wholeBetween = (random: Random, low: number, high: number): number =>
  low + Math.floor(random() * (high - low + 1))

export const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)]!

/** Draws items in proportion to their weights, never one with weight 0. Throws if all weights are 0. */
export function weighted<T>(items: readonly T[], weightOf: (item: T) => number): (random: Random) => T {
  const ends: number[] = []
  let total = 0
  for (const item of items) {
    total += weightOf(item)
    ends.push(total)
  }
  if (!(total > 0)) throw new RangeError('expected at least one item with a weight')
  return (random) => {
    const at = random() * total
    let [low, high] = [0, ends.length - 1]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (ends[middle]! > at) high = middle
      else low = middle + 1
    }
    return items[low]!
  }
}
