import { distanceKm, type Location } from '../../../geo/distance.ts'
import { type PlaceTree, walkPlaces } from '../../../geo/place-tree.ts'
import { longestPrefix, type Prefix } from '../../../geo/prefix.ts'
import { specialPrefixes } from '../../../geo/special.ts'
import { type Random, weighted, wholeBetween } from './random.ts'

/** Networks by location: the inverse of a GeoIP database. */
export type PrefixIndex = readonly { lat: number; lon: number; prefixes: readonly IndexedPrefix[] }[]
/** Start address and length of an IPv4 prefix. */
type IndexedPrefix = readonly [start: number, length: number]

/** Networks kept per location: the users of a city need only a few. */
const kept = 8
/** A city gets the networks of all locations within this distance. */
export const nearKm = 40
/** Otherwise, it gets those of the nearest location within this distance. */
const farthestKm = 250

/**
 * The largest IPv4 networks of every location. Omits networks longer than /24: resolvers send no more of an address
 * than that, and such a /24 may cover several places. Omits networks of which only the country is known: the middle of
 * the United Kingdom is in London, but not all of these networks are. Reads the whole database (3.7 million prefixes, 1.6 s).
 */
export function prefixIndex(tree: PlaceTree): PrefixIndex {
  if (tree.family !== 4) throw new RangeError('only IPv4 is indexed')
  const found: IndexedPrefix[][] = []
  let start = 0
  walkPlaces(tree, specialPrefixes, (length, place) => {
    if (place >= 0 && tree.locations[place]!.precision !== 'country' && length <= longestPrefix[4]) {
      found[place] ??= []
      const list = found[place]
      const at = list.findIndex((one) => one[1] > length)
      if (at >= 0) list.splice(at, 0, [start, length])
      else list.push([start, length])
      if (list.length > kept) list.pop()
    }
    start += 2 ** (32 - length)
  })
  return found.flatMap((prefixes, place) => (prefixes ? [{ ...tree.locations[place]!, prefixes }] : []))
}

/** Draws a /24 of users near a location. */
type DrawPrefix = (random: Random) => Prefix

/**
 * For each location, a function that draws its users' networks in proportion to their sizes; undefined if the database
 * has none nearby.
 */
export function prefixesNear(index: PrefixIndex, locations: readonly Location[]): (DrawPrefix | undefined)[] {
  const cells = new Map<string, PrefixIndex[number][]>()
  for (const entry of index) {
    const key = cellKey(Math.floor(entry.lat), Math.floor(entry.lon))
    const cell = cells.get(key)
    if (cell) cell.push(entry)
    else cells.set(key, [entry])
  }
  return locations.map((location) => {
    const within = (km: number) =>
      entriesAround(cells, location, km)
        .map((entry) => ({ entry, km: distanceKm(location, entry) }))
        .filter((one) => one.km <= km)
    const near = within(nearKm)
    const chosen =
      near.length > 0
        ? near
        : within(farthestKm)
            .sort((a, b) => a.km - b.km)
            .slice(0, 1)
    const prefixes = chosen.flatMap(({ entry }) => entry.prefixes)
    if (prefixes.length === 0) return undefined
    const draw = weighted(prefixes, ([, length]) => 2 ** (24 - length))
    return (random) => {
      const [start, length] = draw(random)
      const offset = wholeBetween(random, 0, 2 ** (24 - length) - 1) * 256
      return { family: 4, high: start + offset, low: 0, length: 24 }
    }
  })
}

const cellKey = (lat: number, lon: number) => `${lat} ${((lon + 540) % 360) - 180}`

/** Entries of all one-degree cells within about `km`: possibly more than needed, never fewer. */
function entriesAround(
  cells: ReadonlyMap<string, PrefixIndex[number][]>,
  { lat, lon }: Location,
  km: number,
): PrefixIndex {
  const up = Math.ceil(km / 111)
  const narrowest = Math.cos((Math.min(89, Math.abs(lat) + up) * Math.PI) / 180)
  const across = Math.min(180, Math.ceil(km / 111 / narrowest))
  const found: PrefixIndex[number][] = []
  for (let y = -up; y <= up; y++) {
    for (let x = -across; x <= across; x++) {
      found.push(...(cells.get(cellKey(Math.floor(lat) + y, Math.floor(lon) + x)) ?? []))
    }
  }
  return found
}
