import type { RegionStatus } from '../../agent/http/status.ts'
import { regionStatus, type WorldHandle } from '../../world/handle.ts'

/** The state of the world that a fault's arguments are checked against. */
export type ClusterFacts = {
  regions: readonly { name: string; full: boolean; serves: boolean; votes: boolean }[]
  /** The region that holds the primary now; undefined if no agent knows. */
  primary?: string | undefined
  /** Names of a region's processes; undefined if its agent does not answer. */
  processesOf?: (region: string) => readonly string[] | undefined
  /** Regions whose database has a separate small disk; undefined if unknown. */
  smallDisks?: readonly string[]
  /** The apps have the preload that faults inside them need; undefined if unknown. */
  appFaults?: boolean
}

const statusTimeoutMs = 2000

/** Asks every agent. Process names of a region whose agent does not answer are not checked. */
export async function clusterFacts(world: WorldHandle): Promise<ClusterFacts> {
  const all = await Promise.all(
    world.regions.map(
      async (region) => [region.name, await regionStatus(world, region, statusTimeoutMs)] as const,
    ),
  )
  const statuses = new Map(all.filter((entry): entry is [string, RegionStatus] => entry[1] !== undefined))
  return {
    regions: world.regions,
    primary: freshestPrimary([...statuses.values()]),
    smallDisks: Object.keys(world.record.lab?.smallDisks ?? {}),
    appFaults: world.record.lab?.appFaults === true,
    processesOf: (region) => {
      const processes = statuses.get(region)?.processes
      if (!processes) return undefined
      const names = processes.map(({ name }) => name)
      return [...names, 'agent', ...(names.includes('postgres') ? ['postmaster'] : [])]
    },
  }
}

function freshestPrimary(statuses: readonly RegionStatus[]): string | undefined {
  const views = statuses.flatMap(({ world }) => world ?? [])
  return views.sort((a, b) => a.ageMs - b.ageMs).find(({ primary }) => primary !== undefined)?.primary
}
