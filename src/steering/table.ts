import type { Cover } from '../geo/cover.ts'
import type { Location } from '../geo/distance.ts'

export type SteeringRegion = { name: string; location: Location }

/** Maps addresses to regions: every address belongs to exactly one prefix, and every prefix ranks all regions. */
export type SteeringTable = {
  /** The regions that take users, in topology order. The other fields refer to them by index. */
  regions: readonly SteeringRegion[]
  /** Orders of all regions, nearest first. */
  rankings: readonly Uint8Array[]
  /** IPv4, IPv6. A value is the index of a ranking. */
  covers: readonly [Cover, Cover]
}
