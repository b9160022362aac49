/** A pseudorandom generator with the same sequence for the same seed on every machine. */
export type Random = {
  /** In [0, 1). */
  fraction(): number
  /** From 0 to `below - 1`. */
  below(below: number): number
  pick<T>(items: readonly T[]): T
  uuid(): string
}

/** mulberry32 (Tommy Ettinger, public domain): integer arithmetic only, so results do not depend on the engine. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0

  const fraction = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(fraction() * limit)
  const hex = (digits: number) => Array.from({ length: digits }, () => below(16).toString(16)).join('')

  return {
    fraction,
    below,
    pick: (items) => items[below(items.length)]!,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${(8 + below(4)).toString(16)}${hex(3)}-${hex(12)}`,
  }
}
