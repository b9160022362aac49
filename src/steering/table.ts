import type { Cover } from '../geo/cover.ts'
import type { Location } from '../geo/distance.ts'

export type SteeringRegion = { name: string; location: Location }

/** Who goes where: every address belongs to exactly one prefix, every prefix has an order of regions. */
export type SteeringTable = {
  /** The regions that take users, in topology order. Everything below speaks of them by index. */
  regions: readonly SteeringRegion[]
  /** Orders of all regions, nearest first. */
  rankings: readonly Uint8Array[]
  /** IPv4, IPv6. A value is the number of a ranking. */
  covers: readonly [Cover, Cover]
  /** Per cover: mean great-circle distance of the prefix's addresses, km, `regions.length` numbers a prefix. */
  km: readonly [Uint16Array, Uint16Array]
}

/** In `km`: nobody knows where the prefix is. */
export const unknownKm = 0xffff
