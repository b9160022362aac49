import type { Location } from '../../src/geo/distance.ts'
import { rttMs, userRttMs } from '../../src/geo/rtt.ts'

export type BoundInput = {
  /** Places of users, with their numbers. */
  places: readonly { location: Location; weight: number }[]
  /** Regions that serve. The first one holds the primary; the others are standbys, one of which each commit waits for. */
  regions: readonly Location[]
  limitMs: number
  /** Shares of all requests: with a DNS lookup, with a new connection, and writes. */
  named: number
  connected: number
  writes: number
}

/**
 * The share of requests that would be in time if only distance mattered: the model's round trip to the nearest region,
 * plus one each for DNS and connecting; for a write also the way to the primary, and from there to its nearest standby.
 * Assumes no time for servers, disks and network queues. Pure.
 */
export function boundShare({ places, regions, limitMs, named, connected, writes }: BoundInput): number {
  const [primary, ...standbys] = regions as [Location, ...Location[]]
  const commitMs = standbys.length === 0 ? 0 : Math.min(...standbys.map((one) => rttMs(primary, one)))
  const trips = { three: Math.min(named, connected), two: Math.abs(named - connected) }
  const one = 1 - trips.three - trips.two - writes
  const all = places.reduce((sum, { weight }) => sum + weight, 0)
  return places.reduce((sum, { location, weight }) => {
    const [nearest, roundTrip] = regions
      .map((region) => [region, userRttMs(location, region)] as const)
      .reduce((best, next) => (next[1] < best[1] ? next : best))
    const onwards = nearest === primary ? 0 : rttMs(nearest, primary)
    const inTime =
      (roundTrip <= limitMs ? one : 0) +
      (2 * roundTrip <= limitMs ? trips.two : 0) +
      (3 * roundTrip <= limitMs ? trips.three : 0) +
      (roundTrip + onwards + commitMs <= limitMs ? writes : 0)
    return sum + (weight / all) * inTime
  }, 0)
}
