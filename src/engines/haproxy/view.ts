import { anySize } from '../../lib/quantities.ts'
import { appPort, type Region } from '../../topology/regions.ts'
import { roundTripMs } from '../../topology/round-trips.ts'
import type { RegionContext } from '../context.ts'
import { type Budgets, budgetsOf } from './limits.ts'

/** Input of the configuration: one region's view of the world, with derived values. */
export type View = RegionContext & {
  /** The other full regions, nearest first: reads spill to them, and they may hold the primary. */
  remotes: readonly Region[]
  /** All full regions; this one first, if it is full. */
  dataRegions: readonly Region[]
  /** Ports of this region's app instances; empty in an edge region. */
  appPorts: readonly number[]
  maxBodyBytes: number
  holdMs: number
  /** How long a response may stall. */
  responseMs: number
  /** How long a client may stall, in sending a body or in reading a response. */
  clientMs: number
  /** The same for a hop inside the region, and for another region. The side that knows the client decides. */
  hopMs: number
  budgets: Budgets
}

export function viewOf(context: RegionContext): View {
  const { topology, region, others } = context
  const remotes = others.filter((other) => other.full)
  const clientMs = Math.max(60_000, topology.app.timeoutSeconds * 1000)
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
    clientMs,
    budgets: budgetsOf(topology, region, context.machine),
    hopMs: Math.max(600_000, clientMs + topology.database.holdSeconds * 1000 + 30_000),
  }
}

const roundUp = (ms: number) => Math.ceil(ms / 50) * 50

/**
 * Interval of the checks of another region while it is down or in doubt. Each check finishes before the next begins.
 */
export function checkMs({ region, topology }: View, to: Region, leastMs: number): number {
  return Math.max(leastMs, roundUp(2 * roundTripMs(region, to, topology.network.rttMs) + 50))
}

/**
 * Interval while the region is up, at least 500 ms. HAProxy also uses it as the check's connect timeout in every state:
 * a region counts as down while its round trip is longer than this. So it leaves room for traffic that is rerouted.
 */
export function upCheckMs({ region, topology }: View, to: Region): number {
  return Math.max(500, roundUp(4 * roundTripMs(region, to, topology.network.rttMs) + 50))
}
