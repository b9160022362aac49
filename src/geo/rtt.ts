import { distanceKm, type Location } from './distance.ts'

/** Light in optical fibre is a third slower than in a vacuum. */
const fibreKmPerMs = (299_792.458 / 1000) * (2 / 3)

/**
 * Constants of the model. `scripts/rtt/fit.ts` fits the first two to round trips measured between data centres; the
 * last mile is an assumption, see docs/decisions/0036.
 */
type RttModel = {
  /** Length of the cable relative to the great circle. */
  pathFactor: number
  /** Cost of every round trip at any distance: routers, and the detour between a site and the long-haul line. */
  constantMs: number
  /** From a home to its provider's network: fibre 2 to 5 ms, cable 10 to 15 ms, DSL 25 ms. */
  lastMileMs: number
}

export const rttModel: Readonly<RttModel> = { pathFactor: 1.5, constantMs: 9, lastMileMs: 8 }

/** The physical lower bound: there and back over straight fibre. */
export function fibreRoundTripMs(a: Location, b: Location): number {
  return (2 * distanceKm(a, b)) / fibreKmPerMs
}

/**
 * Estimates the round trip between two places on well-connected networks (data centres) from their coordinates alone.
 *
 * Absolute error, median and 95th percentile: 15.0 and 89 ms on the pairs that it was fitted to (50 Azure regions,
 * 2026), 15.4 and 122 ms on others (21 AWS regions, 2024). Within 3,000 km it is 3.0 and 12.6 ms, and 3.0 and 9.6 ms.
 * The large errors are all underestimates, where the real path goes around a continent or an ocean. The estimate is
 * symmetric, never below the physical bound, and grows with distance. Equal coordinates give `constantMs`, because they
 * may be two sites in one city.
 */
export function rttMs(a: Location, b: Location, model: Readonly<RttModel> = rttModel): number {
  return fibreRoundTripMs(a, b) * model.pathFactor + model.constantMs
}

/** The same from a user's home, which adds the last mile. */
export function userRttMs(user: Location, region: Location, model: Readonly<RttModel> = rttModel): number {
  return rttMs(user, region, model) + model.lastMileMs
}
