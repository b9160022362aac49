import { distanceKm, type Location } from '../geo/distance.ts'
import { type Place, type PlaceTree, walkPlaces } from '../geo/place-tree.ts'
import { longestPrefix } from '../geo/prefix.ts'
import { specialPrefixes } from '../geo/special.ts'
import { Belief } from './belief.ts'
import type { SteeringRegion } from './table.ts'

/** Where the users of a network are, by their distances to the regions in km. */
type Whereabouts =
  /** The database has a place for it. */
  | { kind: 'known'; place: number; distances: Float64Array }
  /** It has the country only, so the distances are an estimate. */
  | { kind: 'estimated'; distances: Float64Array }

export type Network = { length: number; high: number; low: number; place: number }

/** How much a database knows. */
export type Coverage = {
  /** Share of the address space for which the database has a place or a country. */
  addresses: number
  /** Number of such networks (see `networksOf`), and how many of them have a country only. */
  networks: number
  countryOnly: number
}

type Survey = { coverage: Coverage; whereabouts(network: Network): Whereabouts | undefined }

/** A network is an entry of the database, at most as long as resolvers send: longer ones count as a part of one. */
export function networksOf(family: PlaceTree['family'], length: number): number {
  return Math.min(1, 2 ** (longestPrefix[family] - length))
}

/**
 * Reads a database for what it has of each country, and for what surrounds the networks that lack a city.
 *
 * `inhabitants` are the distances from each country's population (see `distancesByCountry`). For a country that is not
 * among them its known networks take their place, and if it has none, the coordinates that the database gives.
 */
export function surveyPlaces(
  tree: PlaceTree,
  regions: readonly SteeringRegion[],
  inhabitants: ReadonlyMap<string, Float64Array>,
): Survey {
  const distancesFrom = (place: Location) =>
    Float64Array.from(regions, ({ location }) => distanceKm(place, location))
  const known: Float64Array[] = []
  const distancesOf = (place: number) => {
    known[place] ??= distancesFrom(tree.locations[place]!)
    return known[place]
  }

  let [addresses, networks] = [0, 0]
  const counts: number[] = []
  const belief = new Belief(tree.family, regions.length)
  walkPlaces(tree, specialPrefixes, (length, place, high, low) => {
    if (place < 0) return
    const count = networksOf(tree.family, length)
    counts[place] = (counts[place] ?? 0) + count
    networks += count
    addresses += 2 ** -length
    const { country, precision } = tree.locations[place]!
    if (country === undefined) return
    belief.add({ length, high, low }, country, precision === 'country' ? undefined : distancesOf(place))
  })
  belief.close()

  const vague = vagueCountries(tree.locations)
  const priors = new Map(inhabitants)
  for (const [country, distances] of meanDistances(
    tree.locations,
    counts,
    vague,
    distancesOf,
    regions.length,
  )) {
    if (!priors.has(country)) priors.set(country, distances)
  }
  return {
    coverage: {
      addresses,
      networks,
      countryOnly: counts.reduce((sum, count, place) => sum + (vague[place] === undefined ? 0 : count), 0),
    },
    whereabouts(net) {
      const { place } = net
      if (place < 0) return undefined
      const country = vague[place]
      if (country === undefined) return { kind: 'known', place, distances: distancesOf(place) }
      const prior = priors.get(country) ?? distancesOf(place)
      return { kind: 'estimated', distances: belief.distances(net, country, prior) }
    },
  }
}

/**
 * By place, the country of those whose coordinates are the middle of that country: entries that name nothing within it,
 * and entries without a city that have exactly the same coordinates.
 */
function vagueCountries(places: readonly Place[]): (string | undefined)[] {
  const key = ({ country, lat, lon }: Place) => `${country} ${lat} ${lon}`
  const middles = new Set(places.filter(({ precision }) => precision === 'country').map(key))
  return places.map((place) =>
    place.precision !== undefined && place.precision !== 'city' && middles.has(key(place))
      ? place.country
      : undefined,
  )
}

function meanDistances(
  places: readonly Place[],
  counts: readonly number[],
  vague: readonly (string | undefined)[],
  distancesOf: (place: number) => Float64Array,
  regionCount: number,
): Map<string, Float64Array> {
  const sums = new Map<string, { networks: number; distances: Float64Array }>()
  for (const [place, { country }] of places.entries()) {
    const count = counts[place] ?? 0
    if (country === undefined || vague[place] !== undefined || count === 0) continue
    let sum = sums.get(country)
    if (!sum) {
      sum = { networks: 0, distances: new Float64Array(regionCount) }
      sums.set(country, sum)
    }
    sum.networks += count
    for (const [region, km] of distancesOf(place).entries()) sum.distances[region]! += count * km
  }
  return new Map(
    [...sums].map(([country, { networks, distances }]) => [country, distances.map((sum) => sum / networks)]),
  )
}
