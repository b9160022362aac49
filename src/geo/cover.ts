import { addressBits, type Family, type Prefix, truncate } from './prefix.ts'

/**
 * A whole address space, cut into prefixes that do not overlap and leave nothing out, in address order, each with a
 * value. `starts` follow from `lengths` alone, which is why only lengths and values are ever stored.
 */
export type Cover = {
  readonly family: Family
  readonly lengths: Uint8Array
  readonly values: Uint32Array
  readonly high: Uint32Array
  readonly low: Uint32Array
}

/** Throws when the lengths do not tile the space exactly. */
export function cover(family: Family, lengths: Uint8Array, values: Uint32Array): Cover {
  const count = lengths.length
  const high = new Uint32Array(count)
  const low = new Uint32Array(count)
  let [nextHigh, nextLow, full] = [0, 0, false]
  for (let index = 0; index < count; index++) {
    const length = lengths[index]!
    const start = truncate(nextHigh, nextLow, length)
    if (full || length > addressBits[family] || start.high !== nextHigh || start.low !== nextLow) {
      throw new RangeError(`IPv${family}: prefix ${index} of length ${length} does not fit where it stands`)
    }
    high[index] = nextHigh
    low[index] = nextLow
    if (length > 32) {
      nextLow += 2 ** (64 - length)
      if (nextLow > 0xffffffff) {
        nextLow = 0
        nextHigh += 1
      }
    } else {
      nextHigh += 2 ** (32 - length)
    }
    full = nextHigh > 0xffffffff
  }
  if (!full || values.length !== count) throw new RangeError(`IPv${family}: the prefixes leave a gap`)
  return { family, lengths, values, high, low }
}

/** One value for the whole space, in two halves: Knot gives a /0 the scope 0, "the same for everyone". */
export function uniformCover(family: Family, value: number): Cover {
  return cover(family, Uint8Array.of(1, 1), Uint32Array.of(value, value))
}

export function prefixAt(cover: Cover, index: number): Prefix {
  return {
    family: cover.family,
    high: cover.high[index]!,
    low: cover.low[index]!,
    length: cover.lengths[index]!,
  }
}

/** The same, with every prefix shorter than `length` cut into prefixes of that length. */
export function subdivide(source: Cover, length: number): Cover {
  const pieces = Array.from(source.lengths, (own) => 2 ** Math.max(0, length - own))
  const owners = pieces.flatMap((count, index) => Array<number>(count).fill(index))
  return cover(
    source.family,
    Uint8Array.from(owners, (index) => Math.max(length, source.lengths[index]!)),
    Uint32Array.from(owners, (index) => source.values[index]!),
  )
}

/** Index of the prefix that holds the address. */
export function indexOf(cover: Cover, high: number, low: number): number {
  let [below, above] = [0, cover.lengths.length]
  while (above - below > 1) {
    const middle = (below + above) >>> 1
    const before = cover.high[middle]! < high || (cover.high[middle] === high && cover.low[middle]! <= low)
    if (before) below = middle
    else above = middle
  }
  return below
}

/**
 * The same space with other values, where two halves of a prefix that got the same value become one again; never
 * shorter than /1 (see `uniformCover`).
 */
export function remap(source: Cover, valueAt: (index: number) => number): Cover {
  const count = source.lengths.length
  const lengths = new Uint8Array(count)
  const values = new Uint32Array(count)
  /** Index in `source` of the first prefix of each kept one: tells left halves from right ones. */
  let top = 0
  const starts = new Uint32Array(count)
  for (let index = 0; index < count; index++) {
    lengths[top] = source.lengths[index]!
    values[top] = valueAt(index)
    starts[top] = index
    top++
    while (top > 1 && siblings(source, starts, lengths, top - 2) && values[top - 2] === values[top - 1]) {
      top--
      lengths[top - 1] = lengths[top - 1]! - 1
    }
  }
  return cover(source.family, lengths.slice(0, top), values.slice(0, top))
}

function siblings(source: Cover, starts: Uint32Array, lengths: Uint8Array, left: number): boolean {
  const length = lengths[left]!
  if (length < 2 || lengths[left + 1] !== length) return false
  const at = starts[left]!
  const parent = truncate(source.high[at]!, source.low[at]!, length - 1)
  return parent.high === source.high[at] && parent.low === source.low[at]
}
