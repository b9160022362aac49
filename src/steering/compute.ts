import { cover } from '../geo/cover.ts'
import { type PlaceTree, placeTree, specialPlace, walkPlaces } from '../geo/place-tree.ts'
import { type Family, longestPrefix } from '../geo/prefix.ts'
import { specialPrefixes } from '../geo/special.ts'
import { type Coverage, type Network, networksOf, surveyPlaces } from './networks.ts'
import { distancesByCountry, type Settlement } from './population.ts'
import { type Leaf, type PrefixTree, PrefixTreeBuilder, unranked } from './prefix-tree.ts'
import { prune } from './prune.ts'
import { Rankings, rank } from './rankings.ts'
import { summarise } from './summary.ts'
import type { SteeringRegion, SteeringTable } from './table.ts'

/** A special prefix weighs as much as one network of this length, so it does not distort the ranking around it. */
const specialLength: Record<Family, number> = { 4: 16, 6: 32 }

/**
 * Ranks the regions for every prefix, nearest first.
 *
 * Networks of which the database has only the country are ranked by an estimate (see `Belief`). Addresses of which it
 * has nothing get the ranking of the smallest network around them that contains a place. Private and unspecified
 * addresses, and families without a database, get the topology order. The result has at most `maxPrefixes` prefixes;
 * `prune` describes what that costs.
 */
export function computeTable(options: {
  regions: readonly SteeringRegion[]
  places: readonly PlaceTree[]
  /** The world's cities, for networks of which only the country is known. */
  settlements?: Iterable<Settlement>
  maxPrefixes: number
}): SteeringTable {
  const { regions, places, settlements = [], maxPrefixes } = options
  if (regions.length === 0 || regions.length > 255)
    throw new RangeError(`${regions.length} regions take users; 1 to 255 are possible`)
  const inhabitants = distancesByCountry(settlements, regions)
  const all = new Rankings()
  const plants = ([4, 6] as const).map((family) =>
    plant(
      family,
      places.find((tree) => tree.family === family) ?? placeTree(family, []),
      regions,
      inhabitants,
      all,
    ),
  )
  const trees = plants.map(({ tree }) => tree)
  const cuts = prune(trees, regions.length, maxPrefixes)
  const used = new Rankings()
  const [ipv4, ipv6] = trees.map((tree, index) => harvest(tree, cuts[index]!, regions.length, all, used))
  const summaryOf = (index: 0 | 1) =>
    summarise(trees[index]!, cuts[index]!, regions.length, all, plants[index]!.coverage)
  return {
    regions: regions.map(({ name, location: { lat, lon } }) => ({ name, location: { lat, lon } })),
    rankings: used.all(),
    covers: [ipv4!, ipv6!],
    summary: [summaryOf(0), summaryOf(1)],
  }
}

function plant(
  family: Family,
  places: PlaceTree,
  regions: readonly SteeringRegion[],
  inhabitants: ReadonlyMap<string, Float64Array>,
  rankings: Rankings,
): { tree: PrefixTree; coverage: Coverage } {
  const builder = new PrefixTreeBuilder({
    family,
    longest: longestPrefix[family],
    regionCount: regions.length,
    rankings,
  })
  const rankingOf = (distances: Float64Array) => rankings.numberOf(rank(distances))
  const survey = surveyPlaces(places, regions, inhabitants)
  const weigh = weigher(family, survey.coverage)
  // Topology order, an arbitrary 1,000 km apart, so special prefixes are not ranked like their neighbours.
  const unknown = Float64Array.from(regions, (_, region) => region * 1000)
  const special: Leaf = {
    distances: unknown,
    ranking: rankingOf(unknown),
    weight: weigh(specialLength[family]),
    networks: 0,
  }
  const rankingOfPlace: number[] = []
  const leafOf = (net: Network): Leaf | undefined => {
    const found = survey.whereabouts(net)
    if (!found) return undefined
    const { kind, distances } = found
    const weight = weigh(net.length)
    if (kind === 'estimated') return { distances, ranking: rankingOf(distances), weight, networks: 0 }
    rankingOfPlace[net.place] ??= rankingOf(distances)
    const ranking = rankingOfPlace[net.place]!
    return { distances, ranking, weight, networks: networksOf(family, net.length) }
  }
  walkPlaces(places, specialPrefixes, (length, place, high, low) => {
    builder.add(length, place === specialPlace ? special : leafOf({ length, high, low, place }))
  })
  return { tree: builder.finish(), coverage: survey.coverage }
}

/**
 * A network weighs half by being one and half by its size, both as shares of the family. Nobody knows where the users
 * are: by addresses alone, a carrier's block in one entry outweighs the thousand networks of a city; by networks alone, a
 * thousand entries of nobody outweigh a /20 of homes.
 */
function weigher(family: Family, { addresses, networks }: Coverage): (length: number) => number {
  // Without a database only special prefixes have a weight.
  return (length) => (2 ** -length / (addresses || 1) + networksOf(family, length) / (networks || 1)) / 2
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
