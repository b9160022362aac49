import { cover } from '../geo/cover.ts'
import { distanceKm } from '../geo/distance.ts'
import { type PlaceTree, placeTree, specialPlace, walkPlaces } from '../geo/place-tree.ts'
import { type Family, longestPrefix } from '../geo/prefix.ts'
import { specialPrefixes } from '../geo/special.ts'
import { type PrefixTree, PrefixTreeBuilder, unranked } from './prefix-tree.ts'
import { prune } from './prune.ts'
import { Rankings, rank } from './rankings.ts'
import type { SteeringRegion, SteeringTable } from './table.ts'

/** A special prefix weighs as much as one network of this length, so it does not distort the ranking around it. */
const specialLength: Record<Family, number> = { 4: 16, 6: 32 }

/**
 * Ranks the regions for every prefix, nearest first.
 *
 * Addresses of unknown place get the ranking of the smallest network around them that contains a known place. Private
 * and unspecified addresses, and families without a database, get the topology order. The result has at most
 * `maxPrefixes` prefixes; `prune` describes what that costs.
 */
export function computeTable(options: {
  regions: readonly SteeringRegion[]
  places: readonly PlaceTree[]
  maxPrefixes: number
}): SteeringTable {
  const { regions, places, maxPrefixes } = options
  if (regions.length === 0 || regions.length > 255)
    throw new RangeError(`${regions.length} regions take users; 1 to 255 are possible`)
  const all = new Rankings()
  const trees = ([4, 6] as const).map((family) =>
    plant(
      family,
      places.find((tree) => tree.family === family),
      regions,
      all,
    ),
  )
  const cuts = prune(trees, regions.length, maxPrefixes)
  const used = new Rankings()
  const [ipv4, ipv6] = trees.map((tree, index) => harvest(tree, cuts[index]!, regions.length, all, used))
  return {
    regions: regions.map(({ name, location: { lat, lon } }) => ({ name, location: { lat, lon } })),
    rankings: used.all(),
    covers: [ipv4!, ipv6!],
  }
}

function plant(
  family: Family,
  places: PlaceTree | undefined,
  regions: readonly SteeringRegion[],
  rankings: Rankings,
): PrefixTree {
  const builder = new PrefixTreeBuilder({
    family,
    longest: longestPrefix[family],
    regionCount: regions.length,
    rankings,
  })
  const ranked = (distances: Float64Array) => ({ distances, ranking: rankings.numberOf(rank(distances)) })
  // Topology order, an arbitrary 1,000 km apart, so special prefixes are not ranked like their neighbours.
  const special = ranked(Float64Array.from(regions, (_, region) => region * 1000))
  const known: ReturnType<typeof ranked>[] = []
  const placeOf = (place: number) => {
    if (place < 0) return undefined
    known[place] ??= ranked(
      Float64Array.from(regions, ({ location }) => distanceKm(places!.locations[place]!, location)),
    )
    return known[place]
  }
  walkPlaces(places ?? placeTree(family, []), places ? specialPrefixes : [], (length, place) => {
    if (place === specialPlace) builder.add(length, special, 2 ** -specialLength[family])
    else builder.add(length, placeOf(place))
  })
  return builder.finish()
}

/** Collects the prefixes that remain after pruning, each with its ranking. */
function harvest(tree: PrefixTree, cuts: Uint8Array, regionCount: number, all: Rankings, used: Rankings) {
  const lengths: number[] = []
  const values: number[] = []
  const topologyOrder = Uint8Array.from({ length: regionCount }, (_, region) => region)

  const visit = (node: number, length: number, around: number): void => {
    const known = tree.weight[node]! > 0 ? node : around
    const left = tree.left[node]!
    // The whole space is never one prefix: see `uniformCover`.
    if (left === -1 ? length === 0 : cuts[node] === 0) {
      const [leftChild, rightChild] = left === -1 ? [node, node] : [left, node - 1]
      visit(leftChild, length + 1, known)
      visit(rightChild, length + 1, known)
      return
    }
    const distances = meanDistances(tree, known, regionCount)
    const own = left === -1 && tree.ranking[node] !== unranked
    const order = own ? all.order(tree.ranking[node]!) : distances ? rank(distances) : topologyOrder
    lengths.push(length)
    values.push(used.numberOf(order))
  }
  visit(tree.count - 1, 0, -1)
  return cover(tree.family, Uint8Array.from(lengths), Uint32Array.from(values))
}

function meanDistances(tree: PrefixTree, node: number, regionCount: number): Float64Array | undefined {
  if (node < 0) return undefined
  const weight = tree.weight[node]!
  return tree.distance.slice(node * regionCount, (node + 1) * regionCount).map((sum) => sum / weight)
}
