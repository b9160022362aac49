import type { Region } from '../topology/regions.ts'
import type { SyncRecord } from './durability.ts'

/** What a vantage asks of every other region. */
export const probes = ['edge', 'app', 'patroni', 'etcd'] as const
export type ProbeName = (typeof probes)[number]

/** The last answers of one probe: `ok` has been the state for `forMs`. Durations, not times: clocks differ. */
export type Seen = { ok: boolean; forMs: number }

/** What one vantage sees of one region; probes that the region's role does not have are left out. */
export type View = Partial<Record<ProbeName, Seen>>

/** One vantage's latest observation and how old it is by the reader's own clock. */
export type Observation = { ageMs: number; seen: Record<string, View> }

/** The agreed state of a region, kept in etcd; a region without one is healthy. */
export type RegionHealth = 'healthy' | 'unhealthy' | 'unreachable'

/** Patroni's leader key. */
export type Leader = { region: string; lease: string; modRevision: string }

export type DecisionInput = {
  self: string
  regions: readonly Pick<Region, 'name' | 'votes' | 'full' | 'serves'>[]
  policy: Policy
  observations: Record<string, Observation>
  /** `revision` is '0' for a region that has no entry yet. */
  health: Record<string, { state: RegionHealth; revision: string }>
  leader: Leader | undefined
  sync: SyncRecord
  /** Region whose etcd member leads etcd; undefined when unknown. */
  etcdLeader: string | undefined
  /** What the agent that decides knows of the primary that its own region holds; undefined when it holds none. */
  ownPrimary?: OwnPrimary | undefined
}

export type OwnPrimary = {
  /** For how long PostgreSQL has not answered a small write, on its own disk alone; 0 while it answers. */
  unresponsiveMs: number
  /** For how long the region has led, as far as this agent knows. */
  leadsForMs: number
  /** Regions that Patroni has recorded as holding every acknowledged write, and whose agents say that they follow. */
  standbys: readonly string[]
}

export type Policy = {
  suspectMs: number
  /** An observation older than this says nothing. */
  freshMs: number
  /** A region must have been seen alive this long before it is healthy again: longer than it takes to lose it. */
  recoverMs: number
  /** A primary that has not written anything for this long is given up for a standby that can. */
  hungMs: number
  /** A region that has just begun to lead is left alone for this long, so that two slow ones do not take turns. */
  settleMs: number
  automatic: boolean
}

/** What a majority of voting vantages concludes about one region. */
export type Verdict = {
  region: string
  state: 'alive' | 'suspect' | RegionHealth
  /** Vantages that support it, and how many are needed. */
  by: string[]
  needed: number
  /** Why it is unhealthy, when it is not its edge or its app. */
  why?: 'no way to the primary'
}

export type Action =
  | {
      kind: 'setHealth'
      region: string
      state: RegionHealth
      was: RegionHealth
      revision: string
      by: string[]
      why?: Verdict['why']
      /** Region of the primary, when it is to look at once whether its standby is still there. */
      wakes?: string
    }
  /** `to`: the standby that is to take over; left out when none is known to have every acknowledged write. */
  | { kind: 'revokeLeader'; leader: Leader; by: string[]; to?: string }
  | { kind: 'forceFailover'; leader: Leader; to: string; unresponsiveMs: number }
  | { kind: 'moveEtcdLeader'; from: string; to: string }
