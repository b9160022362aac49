import { distanceKm, type Location } from '../geo/distance.ts'
import type { SteeringRegion } from './table.ts'

/** People who live at a place of the country. */
export type Settlement = { country: string; population: number; location: Location }

/**
 * By country, the mean distance of its inhabitants to each region, km: what is known of a user of whom only the country
 * is. Round trips are estimated as a constant plus a multiple of the distance (`src/geo/rtt.ts`), so the region with the
 * least mean is also the one with the least expected delay.
 */
export function distancesByCountry(
  settlements: Iterable<Settlement>,
  regions: readonly SteeringRegion[],
): Map<string, Float64Array> {
  const sums = new Map<string, { people: number; distances: Float64Array }>()
  for (const { country, population, location } of settlements) {
    let sum = sums.get(country)
    if (!sum) {
      sum = { people: 0, distances: new Float64Array(regions.length) }
      sums.set(country, sum)
    }
    sum.people += population
    for (const [index, region] of regions.entries()) {
      sum.distances[index]! += population * distanceKm(location, region.location)
    }
  }
  return new Map(
    [...sums]
      .filter(([, { people }]) => people > 0)
      .map(([country, { people, distances }]) => [country, distances.map((sum) => sum / people)]),
  )
}
