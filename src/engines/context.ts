import type { Region } from '../topology/regions.ts'
import type { Topology } from '../topology/schema.ts'
import type { Secrets } from '../topology/secrets.ts'
import type { Machine } from './machine.ts'

/** Input of an engine's render function: one region's view of the world. Pure data. */
export type RegionContext = {
  topology: Topology
  region: Region
  /** All regions, in topology order. */
  regions: readonly Region[]
  /** The other regions, nearest first. */
  others: readonly Region[]
  secrets: Secrets
  /** The region's folder, absolute. It is every engine's working directory and has the same path in its sandbox. */
  folder: string
  /** The app's folder, absolute. */
  appFolder: string
  /** The machine that runs the region. */
  machine: Machine
}

/**
 * The region's run folder inside the sandbox, which binds <folder>/run to it. The path of a Unix socket has at most 107
 * characters, and a world's folder may have a longer path.
 */
export const runFolder = '/run/nearside'

/**
 * Networks from which database connections come: the full regions, of which a primary or a client of it may be any. A
 * loopback connection has the source address 127.0.0.1, whatever its destination.
 */
export function databaseClients(regions: readonly Region[]): string[] {
  const addresses = regions.filter((region) => region.full).map((region) => region.address)
  return addresses.some((address) => address.startsWith('127.'))
    ? ['127.0.0.0/8']
    : addresses.map((address) => `${address}/32`)
}
