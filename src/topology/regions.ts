import { distanceKm, type Location } from '../geo/distance.ts'
import type { Role, Topology } from './schema.ts'

/** A region with the properties that follow from its role and its position in the topology. */
export type Region = {
  name: string
  /** From 1, in topology order. It is part of the address, so new regions must be added at the end. */
  index: number
  role: Role
  location: Location
  address: string
  /** Holds data and runs the app. */
  full: boolean
  /** Takes users: has HAProxy, Varnish, Knot. */
  serves: boolean
  /** Runs an etcd member. */
  votes: boolean
  env: Record<string, string>
}

export function regionsOf(topology: Topology): Region[] {
  return Object.entries(topology.regions).map(([name, region], position) => ({
    name,
    index: position + 1,
    role: region.role,
    location: region.location,
    address: region.address ?? `${topology.network.base}.${position + 1}.1`,
    full: region.role === 'full',
    serves: region.role !== 'witness',
    votes: region.role !== 'edge',
    env: region.env,
  }))
}

/** The region that holds the primary when the world is created. */
export function firstPrimary(topology: Topology): string {
  return topology.database.primary ?? regionsOf(topology).find((region) => region.full)!.name
}

/** The other regions, nearest first. Equal distances keep the topology order. */
export function othersByDistance(regions: readonly Region[], from: Region): Region[] {
  return regions
    .filter((region) => region.name !== from.name)
    .map((region) => ({ region, km: distanceKm(from.location, region.location) }))
    .sort((a, b) => a.km - b.km || a.region.index - b.region.index)
    .map(({ region }) => region)
}

/**
 * Port of one app instance. Ports are unique per machine, even across worlds: the default `network.base` starts at
 * 3000, which most apps expect; any other takes 80 ports from 10,000 + 80 × its second octet, which stays below the
 * kernel's ephemeral ports (from 32,768).
 */
export function appPort(topology: Topology, region: Region, instance: number): number {
  const second = Number(topology.network.base.split('.')[1])
  const first = topology.ports.app ?? (topology.network.base === '127.77' ? 3000 : 10_000 + second * 80)
  const fullBefore = regionsOf(topology).filter((other) => other.full && other.index < region.index).length
  return first + fullBefore * topology.app.instances + instance
}
