import { addressBits, bitAt, type Family, type Prefix, truncate } from './prefix.ts'

/**
 * A whole address space, tiled by prefixes without gap or overlap, in address order, each with a value. Start addresses
 * (`high`, `low`) follow from `lengths`, so only lengths and values are ever stored.
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
      throw new RangeError(`IPv${family}: prefix ${index} of length ${length} is misaligned`)
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

/** One value for the whole space, in two halves: Knot answers a /0 with scope 0, which means "valid for everyone". */
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

export type Net = Prefix & { value: number }

export function netsOf(cover: Cover): Net[] {
  return Array.from(cover.values, (value, index) => ({ ...prefixAt(cover, index), value }))
}

/**
 * The same space with new values, in address order. Two halves of a prefix that get the same value are merged. Nets are
 * never shorter than `shortest` (larger prefixes are split) and never a /0 (see `uniformCover`).
 *
 * Yields one net at a time and holds a few kilobytes: a cover can have 200,000 nets, and agents must stay small.
 * `waiting` holds left halves whose right halves are incomplete. As soon as two halves differ, no prefix that contains
 * them can be merged, so all of it is yielded.
 */
export function* mergedNets(
  source: Cover,
  valueIn: (net: Readonly<Net>) => number,
  shortest = 1,
): Generator<Net> {
  const waiting: Net[] = []
  for (const net of pieces(source, shortest)) {
    let current: Net = { ...net, value: valueIn(net) }
    for (;;) {
      if (current.length > shortest && isLeftHalf(current)) {
        waiting.push(current)
        break
      }
      const left = waiting.at(-1)
      if (current.length > shortest && left?.length === current.length && left.value === current.value) {
        waiting.pop()
        current = { ...left, length: left.length - 1 }
      } else {
        yield* waiting
        waiting.length = 0
        yield current
        break
      }
    }
  }
}

function* pieces(source: Cover, shortest: number): Generator<Net> {
  for (let index = 0; index < source.lengths.length; index++) {
    const net: Net = { ...prefixAt(source, index), value: source.values[index]! }
    if (net.length >= shortest) yield net
    else {
      // `shortest` is a few bits, so `low` stays 0.
      for (let piece = 0; piece < 2 ** (shortest - net.length); piece++) {
        yield { ...net, high: net.high + piece * 2 ** (32 - shortest), length: shortest }
      }
    }
  }
}

function isLeftHalf({ high, low, length }: Net): boolean {
  return bitAt(high, low, length - 1) === 0
}
