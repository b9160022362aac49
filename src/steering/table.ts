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
  /** IPv4, IPv6; undefined in a table that was not computed from a database. */
  summary?: readonly [FamilySummary, FamilySummary] | undefined
}

/** What a table costs in one address family. Shares are 0 to 1. */
export type FamilySummary = {
  /** Networks (entries, at most /24 or /56 long) for which the database has a place or a country. */
  networks: number
  /** Share of them, and of their addresses, with a country only: the region for them is an estimate. */
  countryOnly: Shares
  /** Share of the others that do not get their nearest region because of `steering.maxPrefixes`. */
  misled: Shares
}

type Shares = { networks: number; addresses: number }
