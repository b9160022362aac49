import { distanceKm } from '../../geo/distance.ts'
import { parseBytes } from '../../lib/bytes.ts'
import { appPort, type Region } from '../../topology/regions.ts'
import type { RegionContext } from '../context.ts'

/** What the configuration is rendered from: one region's view, in the words of the configuration. */
export type View = RegionContext & {
  /** Full regions but this one, nearest first: where reads spill, and where a primary may be. */
  remotes: readonly Region[]
  /** Full regions, this one first if it is one. */
  dataRegions: readonly Region[]
  /** Ports of the app's instances here; empty in an edge region. */
  appPorts: readonly number[]
  maxBodyBytes: number
  holdMs: number
  /** Longest silence while a response is awaited. */
  responseMs: number
}

export function viewOf(context: RegionContext): View {
  const { topology, region, others } = context
  const remotes = others.filter((other) => other.full)
  return {
    ...context,
    remotes,
    dataRegions: region.full ? [region, ...remotes] : remotes,
    appPorts: region.full
      ? Array.from({ length: topology.app.instances }, (_, instance) => appPort(topology, region, instance))
      : [],
    maxBodyBytes: parseBytes(topology.app.maxBody)!,
    holdMs: topology.database.holdSeconds * 1000,
    responseMs: topology.app.timeoutSeconds * 1000,
  }
}

/**
 * Time between two checks of another region. HAProxy also uses it as the check's connect timeout, so it has to be
 * longer than the round trip: light in glass takes 1 ms per 100 km and back, cables are half as long again, and as
 * much again is left for a bad day.
 */
export function checkMs(from: Region, to: Region, leastMs: number): number {
  const roundTripMs = (distanceKm(from.location, to.location) / 100) * 1.5
  return Math.max(leastMs, Math.ceil((2 * roundTripMs + 50) / 50) * 50)
}
