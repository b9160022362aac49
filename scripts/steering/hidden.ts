import { type Place, type PlaceTree, walkPlaces } from '../../src/geo/place-tree.ts'
import { truncate } from '../../src/geo/prefix.ts'
import { specialPrefixes } from '../../src/geo/special.ts'
import { networkKey } from './misled.ts'

/** Share of the networks with a known city that lose it. */
const hiddenShare = 0.08
/** A block larger than this is not hidden as a whole. */
const shortest = { 4: 12, 6: 24 } as const

/**
 * The database without the cities of some networks, as if it had their country only. What is hidden are whole blocks, each
 * as large as a network that really lacks its city, so that the gaps resemble the real ones. Returns the hidden networks
 * with their block.
 */
export function hideCities(
  tree: PlaceTree,
  seed: number,
  country: string | undefined,
): { tree: PlaceTree; hidden: ReadonlyMap<string, string> } {
  const leaves: { length: number; place: number; high: number; low: number }[] = []
  walkPlaces(tree, specialPrefixes, (length, place, high, low) => leaves.push({ length, place, high, low }))
  const isKnown = (place: number) => place >= 0 && tree.locations[place]!.precision !== 'country'
  const random = lehmer(seed)
  const hidden = new Map<string, string>()
  const isHidden = new Uint8Array(leaves.length)

  const byCountry = Map.groupBy(leaves.keys(), (index) => {
    const place = leaves[index]!.place
    return place >= 0 ? tree.locations[place]!.country : undefined
  })
  for (const [code, indexes] of byCountry) {
    if (code === undefined || (country !== undefined && code !== country)) continue
    const known = indexes.filter((index) => isKnown(leaves[index]!.place))
    const vague = indexes.filter((index) => !isKnown(leaves[index]!.place))
    if (known.length < 50 || vague.length === 0) continue
    let done = 0
    for (let attempt = 0; attempt < 20_000 && done < known.length * hiddenShare; attempt++) {
      const length = Math.max(leaves[vague[random(vague.length)]!]!.length, shortest[tree.family])
      const chosen = known[random(known.length)]!
      const { high, low, length: own } = leaves[chosen]!
      if (own < length - 3) continue
      const block = { ...truncate(high, low, Math.min(length, own)), length: Math.min(length, own) }
      const isIn = (index: number) => {
        const leaf = leaves[index]
        if (!leaf || leaf.length < block.length) return false
        const start = truncate(leaf.high, leaf.low, block.length)
        return start.high === block.high && start.low === block.low
      }
      let first = chosen
      while (isIn(first - 1)) first--
      const inside: number[] = []
      for (let index = first; isIn(index); index++) {
        const { place } = leaves[index]!
        if (isKnown(place) && tree.locations[place]!.country === code && !isHidden[index]) inside.push(index)
      }
      if (inside.length > known.length * 0.02) continue
      for (const index of inside) {
        isHidden[index] = 1
        const leaf = leaves[index]!
        hidden.set(
          networkKey(leaf.high, leaf.low, leaf.length),
          `${code} ${networkKey(block.high, block.low, block.length)}`,
        )
      }
      done += inside.length
    }
  }
  return { tree: rebuilt(tree, leaves, isHidden), hidden }
}

function rebuilt(
  tree: PlaceTree,
  leaves: readonly { length: number; place: number }[],
  isHidden: Uint8Array,
): PlaceTree {
  const locations: Place[] = [...tree.locations]
  const middles = new Map(
    locations.flatMap((at, place) => (at.precision === 'country' ? [[at.country, place] as const] : [])),
  )
  const places = leaves.map(({ place }, index) =>
    isHidden[index] ? middles.get(locations[place]!.country)! : place,
  )
  /** Inner nodes as pairs of records; a leaf's record is -1 minus its index. */
  const children: number[] = []
  let at = 0
  const build = (depth: number): number => {
    if (leaves[at]!.length === depth) return -1 - at++
    const node = children.push(0, 0) - 2
    children[node] = build(depth + 1)
    children[node + 1] = build(depth + 1)
    return node
  }
  return {
    family: tree.family,
    root: build(0),
    stepLimit: leaves.length * 8 + 1000,
    left: (record) => children[record]!,
    right: (record) => children[record + 1]!,
    placeAt: (record) => (record >= 0 ? -2 : Math.max(-1, places[-1 - record]!)),
    locations,
  }
}

/** Whole numbers below `bound`, the same for the same seed. */
function lehmer(seed: number): (bound: number) => number {
  let state = (seed * 7919) % 2147483647 || 1
  return (bound) => {
    state = (state * 48271) % 2147483647
    return Math.floor((state / 2147483647) * bound)
  }
}
