import { distanceKm, type Location } from '../geo/distance.ts'
import type { Role, Topology } from './schema.ts'

/** A region with everything that follows from its place in the topology. */
export type Region = {
  name: string
  /** From 1, in topology order; it is part of the address, so new regions go at the end. */
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

/** The region that holds the primary when the world is first made. */
export function firstPrimary(topology: Topology): string {
  return topology.database.primary ?? regionsOf(topology).find((region) => region.full)!.name
}

/** The other regions, nearest first; equal distances in topology order. */
export function othersByDistance(regions: readonly Region[], from: Region): Region[] {
  return regions
    .filter((region) => region.name !== from.name)
    .map((region) => ({ region, km: distanceKm(from.location, region.location) }))
    .sort((a, b) => a.km - b.km || a.region.index - b.region.index)
    .map(({ region }) => region)
}

/**
 * First port of a region's app instances. Ports are unique on a machine, also between worlds: the default base
 * starts at 3000 (what most apps expect), others take 80 ports each from 10,000 on by the second number of their
 * network (the range ends below the kernel's ephemeral ports at 32,768).
 */
export function appPort(topology: Topology, region: Region, instance: number): number {
  const second = Number(topology.network.base.split('.')[1])
  const first = topology.ports.app ?? (topology.network.base === '127.77' ? 3000 : 10_000 + second * 80)
  const fullBefore = regionsOf(topology).filter((other) => other.full && other.index < region.index).length
  return first + fullBefore * topology.app.instances + instance
}
