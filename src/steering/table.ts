import { type Cover, indexOf } from '../geo/cover.ts'
import type { Location } from '../geo/distance.ts'
import type { Family } from '../geo/prefix.ts'

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

/** The prefix that holds the address: its cover (0 IPv4, 1 IPv6) and its index there. */
export function locate(
  table: SteeringTable,
  address: { family: Family; high: number; low: number },
): { family: 0 | 1; index: number } {
  const family = address.family === 4 ? 0 : 1
  return { family, index: indexOf(table.covers[family], address.high, address.low) }
}

export function rankingOf(table: SteeringTable, family: 0 | 1, index: number): Uint8Array {
  return table.rankings[table.covers[family].values[index]!]!
}
