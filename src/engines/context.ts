import type { Region } from '../topology/regions.ts'
import type { Topology } from '../topology/schema.ts'
import type { Secrets } from '../topology/secrets.ts'

/** What an engine's render function is given: one region's view of the world. Pure data. */
export type RegionContext = {
  topology: Topology
  region: Region
  /** All regions, topology order. */
  regions: readonly Region[]
  /** The others, nearest first. */
  others: readonly Region[]
  secrets: Secrets
  /** The region's folder, absolute: every engine's working directory, bound into its sandbox at this same path. */
  folder: string
  /** The app's folder, absolute. */
  appFolder: string
}

/**
 * The region's run folder as the engines see it. Paths of Unix sockets are limited to 107 characters, a world may
 * lie deeper than that, so the sandbox binds <folder>/run to this short one.
 */
export const runFolder = '/run/nearside'
