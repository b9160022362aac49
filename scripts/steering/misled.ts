import type { City } from '../../src/geo/cities.ts'
import { distanceKm } from '../../src/geo/distance.ts'
import { type PlaceTree, walkPlaces } from '../../src/geo/place-tree.ts'
import { longestPrefix, truncate } from '../../src/geo/prefix.ts'
import { userRttMs } from '../../src/geo/rtt.ts'
import { specialPrefixes } from '../../src/geo/special.ts'
import type { SteeringTable } from '../../src/steering/table.ts'

type Filter = {
  country?: string | undefined
  /** Only networks (cities) whose nearest region has this index. */
  nearest?: number | undefined
  /** Only these networks, by `networkKey`, each with the block that was hidden as a whole. */
  only?: ReadonlyMap<string, string>
}

export const networkKey = (high: number, low: number, length: number) => `${high} ${low} ${length}`

/**
 * Calls `visit` for every network with a known city: an entry of the database, cut at the longest prefix that resolvers
 * send. Reads the database itself, so that it does not share a mistake with the table.
 */
export function eachKnown(
  tree: PlaceTree,
  visit: (network: { high: number; low: number; length: number; place: number }) => void,
): void {
  let last = ''
  const longest = longestPrefix[tree.family]
  walkPlaces(tree, specialPrefixes, (length, place, high, low) => {
    if (place < 0 || tree.locations[place]!.precision === 'country') return
    if (length <= longest) return visit({ high, low, length, place })
    const whole = truncate(high, low, longest)
    const key = networkKey(whole.high, whole.low, longest)
    if (key !== last) visit({ ...whole, length: longest, place })
    last = key
  })
}

/** The first choice of the table for addresses in ascending order. */
function follow(table: SteeringTable, family: 4 | 6): (high: number, low: number) => number {
  const cover = table.covers[family === 4 ? 0 : 1]
  let at = 0
  return (high, low) => {
    while (
      at + 1 < cover.high.length &&
      (cover.high[at + 1]! < high || (cover.high[at + 1]! === high && cover.low[at + 1]! <= low))
    )
      at++
    return table.rankings[cover.values[at]!]![0]!
  }
}

export function misledNetworks(table: SteeringTable, tree: PlaceTree, { country, nearest, only }: Filter) {
  const answerAt = follow(table, tree.family)
  const all = { networks: 0, addresses: 0 }
  const misled = { networks: 0, addresses: 0 }
  const holes = new Map<string, [networks: number, misled: number]>()
  const extras: number[] = []
  const distances: number[][] = []
  eachKnown(tree, ({ high, low, length, place }) => {
    const answer = answerAt(high, low)
    const location = tree.locations[place]!
    if (country !== undefined && location.country !== country) return
    distances[place] ??= table.regions.map((region) => distanceKm(location, region.location))
    const least = Math.min(...distances[place])
    if (nearest !== undefined && distances[place][nearest] !== least) return
    const hole = only?.get(networkKey(high, low, length))
    if (only && hole === undefined) return
    all.networks += 1
    all.addresses += 2 ** -length
    const isMisled = distances[place][answer] !== least
    if (isMisled) {
      misled.networks += 1
      misled.addresses += 2 ** -length
    }
    const best = table.regions[distances[place].indexOf(least)]!.location
    extras.push(userRttMs(location, table.regions[answer]!.location) - userRttMs(location, best))
    if (hole === undefined) return
    const sum = holes.get(hole) ?? [0, 0]
    holes.set(hole, [sum[0] + 1, sum[1] + Number(isMisled)])
  })
  extras.sort((a, b) => a - b)
  return {
    networks: misled.networks / all.networks,
    addresses: misled.addresses / all.addresses,
    holes: [...holes.values()].reduce((sum, [networks, wrong]) => sum + wrong / networks, 0) / holes.size,
    meanExtraMs: extras.reduce((sum, extra) => sum + extra, 0) / extras.length,
    worstMs: extras[Math.floor(extras.length * 0.99)] ?? 0,
  }
}

/** A city's users have the networks of all places within this distance, in equal parts. */
const nearKm = 40

/** Share of the inhabitants of cities who do not get the region nearest to their city. */
export function misledUsers(
  table: SteeringTable,
  tree: PlaceTree,
  cities: readonly City[],
  { country, nearest, only }: Filter,
): number {
  const answerAt = follow(table, tree.family)
  /** By place: how many of its networks get each region. */
  const answers: number[][] = []
  eachKnown(tree, ({ high, low, length, place }) => {
    if (only && !only.has(networkKey(high, low, length))) return
    answers[place] ??= table.regions.map(() => 0)
    answers[place][answerAt(high, low)]! += 1
  })
  const cell = (lat: number, lon: number) => Math.floor(lat) * 1000 + Math.floor(lon)
  const cells = new Map<number, number[]>()
  for (const [place, { lat, lon }] of tree.locations.entries()) {
    if (!answers[place]) continue
    const key = cell(lat, lon)
    const list = cells.get(key)
    if (list) list.push(place)
    else cells.set(key, [place])
  }
  let [people, misled] = [0, 0]
  for (const city of cities) {
    if (country !== undefined && city.country !== country) continue
    const distances = table.regions.map((region) => distanceKm(city.location, region.location))
    const best = distances.indexOf(Math.min(...distances))
    if (nearest !== undefined && nearest !== best) continue
    let [networks, wrong] = [0, 0]
    for (let y = -1; y <= 1; y++) {
      for (let x = -1; x <= 1; x++) {
        for (const place of cells.get(cell(city.location.lat + y, city.location.lon + x)) ?? []) {
          if (distanceKm(city.location, tree.locations[place]!) > nearKm) continue
          const counts = answers[place]!
          const sum = counts.reduce((a, b) => a + b, 0)
          networks += sum
          wrong += sum - counts[best]!
        }
      }
    }
    if (networks === 0) continue
    people += city.population
    misled += (city.population * wrong) / networks
  }
  return misled / people
}
