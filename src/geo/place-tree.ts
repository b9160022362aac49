import type { Location } from './distance.ts'
import { bitAt, type Family, type Prefix } from './prefix.ts'

/**
 * The places of one family's addresses as a binary tree, one level per address bit, as in a MaxMind database. Record
 * numbers are opaque to callers.
 */
export type PlaceTree = {
  family: Family
  root: number
  /** More records than a walk of an intact tree visits; a damaged tree may contain cycles. */
  stepLimit: number
  left(record: number): number
  right(record: number): number
  /** Index into `locations`, or `noPlace` or `inner`. */
  placeAt(record: number): number
  /** Grows while the tree is read; complete after a full walk. */
  locations: readonly Place[]
}

/**
 * How much a database knows of a network: the `city` (or at least its coordinates), an `area` of the country such as a
 * state, or only the `country`. The coordinates of the last are the middle of the country, where nobody needs to live.
 */
export type Place = Location & {
  /** ISO 3166-1, two letters; undefined when the database does not name it. */
  country?: string | undefined
  precision?: 'city' | 'area' | 'country'
}

/** The place of these addresses is unknown. */
export const noPlace = -1
/** Not a leaf; continue with `left` and `right`. */
export const inner = -2
/** A special prefix that was passed to the walk. */
export const specialPlace = -3

/**
 * Calls `visit` for prefixes that tile the family's whole space, in address order, with the place and the first address
 * of each. A special prefix is visited in one piece, even if the tree subdivides it. Throws a RangeError when the tree
 * contains a cycle.
 */
export function walkPlaces(
  tree: PlaceTree,
  specials: readonly Prefix[],
  visit: (length: number, place: number, high: number, low: number) => void,
): void {
  let stepsLeft = tree.stepLimit
  /** Outside of special prefixes, which is almost everywhere: as little work per record as possible. */
  const walk = (record: number, depth: number, high: number, low: number): void => {
    if (--stepsLeft < 0 || depth > 128) throw new RangeError('the tree contains a cycle')
    const place = tree.placeAt(record)
    if (place === inner) {
      walk(tree.left(record), depth + 1, high, low)
      walk(tree.right(record), depth + 1, rightHigh(high, depth), rightLow(low, depth))
    } else visit(depth, place, high, low)
  }
  const walkAround = (
    record: number,
    depth: number,
    high: number,
    low: number,
    inside: readonly Prefix[],
  ): void => {
    if (--stepsLeft < 0 || depth > 128) throw new RangeError('the tree contains a cycle')
    if (inside.length === 0) walk(record, depth, high, low)
    else if (inside.some((special) => special.length === depth)) visit(depth, specialPlace, high, low)
    else {
      // A leaf that contains a special prefix is split until the special prefix is a leaf of its own.
      const isLeaf = tree.placeAt(record) !== inner
      const [left, right] = isLeaf ? [record, record] : [tree.left(record), tree.right(record)]
      const [leftInside, rightInside] = split(inside, depth)
      walkAround(left, depth + 1, high, low, leftInside)
      walkAround(right, depth + 1, rightHigh(high, depth), rightLow(low, depth), rightInside)
    }
  }
  walkAround(
    tree.root,
    0,
    0,
    0,
    specials.filter((special) => special.family === tree.family),
  )
}

const rightHigh = (high: number, depth: number) => (depth < 32 ? high + 2 ** (31 - depth) : high)
/** Only the top 64 bits of an address are kept (see `Prefix`). */
const rightLow = (low: number, depth: number) => (depth < 32 || depth >= 64 ? low : low + 2 ** (63 - depth))

function split(prefixes: readonly Prefix[], depth: number): [readonly Prefix[], readonly Prefix[]] {
  if (prefixes.length === 0) return [prefixes, prefixes]
  const isRight = (prefix: Prefix) => bitAt(prefix.high, prefix.low, depth) === 1
  return [prefixes.filter((prefix) => !isRight(prefix)), prefixes.filter(isRight)]
}

/** Builds a tree from a few prefixes. Where they overlap, the longest match wins. */
export function placeTree(family: Family, entries: readonly (Prefix & { location: Place })[]): PlaceTree {
  const nodes: { left: number; right: number; place: number }[] = [{ left: 0, right: 0, place: noPlace }]
  const grow = (from: number): number => nodes.push({ left: 0, right: 0, place: nodes[from]!.place }) - 1
  const shortestFirst = entries
    .map((entry, place) => ({ entry, place }))
    .filter(({ entry }) => entry.family === family)
    .sort((a, b) => a.entry.length - b.entry.length)
  for (const { entry, place } of shortestFirst) {
    let at = 0
    for (let depth = 0; depth < entry.length; depth++) {
      const node = nodes[at]!
      if (node.left === 0) {
        node.left = grow(at)
        node.right = grow(at)
      }
      at = bitAt(entry.high, entry.low, depth) ? node.right : node.left
    }
    nodes[at] = { left: 0, right: 0, place }
  }
  return {
    family,
    root: 0,
    stepLimit: nodes.length * 2 + 1000,
    left: (record) => nodes[record]!.left,
    right: (record) => nodes[record]!.right,
    placeAt: (record) => (nodes[record]!.left === 0 ? nodes[record]!.place : inner),
    locations: entries.map((entry) => entry.location),
  }
}
