import { distanceKm } from '../../geo/distance.ts'
import { anySize } from '../../lib/quantities.ts'
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
    maxBodyBytes: anySize.parse(topology.app.maxBody)!,
    holdMs: topology.database.holdSeconds * 1000,
    responseMs: topology.app.timeoutSeconds * 1000,
  }
}

/** Light in glass takes 1 ms per 100 km and back, and cables are half as long again. */
const roundTripMs = (from: Region, to: Region) => (distanceKm(from.location, to.location) / 100) * 1.5

const roundUp = (ms: number) => Math.ceil(ms / 50) * 50

/** Time between two checks of another region, while it is down or in doubt: one is over before the next begins. */
export function checkMs(from: Region, to: Region, leastMs: number): number {
  return Math.max(leastMs, roundUp(2 * roundTripMs(from, to) + 50))
}

/**
 * The same while it is up, at least 500. HAProxy also uses it as the check's connect timeout, whatever the state: a
 * region whose round trip gets longer than this counts as down, so it has room for traffic that takes another way.
 */
export function upCheckMs(from: Region, to: Region): number {
  return Math.max(500, roundUp(4 * roundTripMs(from, to) + 50))
}
