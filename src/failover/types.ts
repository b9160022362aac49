import type { Region } from '../topology/regions.ts'
import type { SyncRecord } from './durability.ts'

/** The probes that a vantage sends to every other region. */
export const probes = ['edge', 'app', 'patroni', 'etcd'] as const
export type ProbeName = (typeof probes)[number]

/** The state of one probe, `ok` for the last `forMs`. A duration and not a time, because clocks differ. */
export type Seen = { ok: boolean; forMs: number }

/** One vantage's view of one region, without the probes that do not apply to the region's role. */
export type View = Partial<Record<ProbeName, Seen>>

/** One vantage's latest observation; its age is measured by the reader's own clock. */
export type Observation = { ageMs: number; seen: Record<string, View> }

/** A region's agreed health, kept in etcd. A region without an entry is healthy. */
export type RegionHealth = 'healthy' | 'unhealthy' | 'unreachable'

/** Patroni's leader key. */
export type Leader = { region: string; lease: string; modRevision: string }

export type DecisionInput = {
  self: string
  regions: readonly Pick<Region, 'name' | 'votes' | 'full' | 'serves'>[]
  policy: Policy
  observations: Record<string, Observation>
  /** `revision` is '0' for a region without an entry. */
  health: Record<string, { state: RegionHealth; revision: string }>
  /** Regions that have been healthy in this run of the world. */
  served: readonly string[]
  leader: Leader | undefined
  sync: SyncRecord
  /** Region whose etcd member leads etcd; undefined when unknown. */
  etcdLeader: string | undefined
  /** Undefined unless the region of the deciding agent holds the primary. */
  ownPrimary?: OwnPrimary | undefined
}

export type OwnPrimary = {
  /** How long a small write to the primary's own disk has gone unanswered; 0 while PostgreSQL answers. */
  unresponsiveMs: number
  /** How long the region has led, as far as this agent knows. */
  leadsForMs: number
  /** Regions that Patroni has recorded as sync standbys and whose agents report a replica. */
  standbys: readonly string[]
}

export type Policy = {
  suspectMs: number
  /** Older observations are ignored. */
  freshMs: number
  /** A region is healthy again only after answering for this long, which is longer than `suspectMs`. */
  recoverMs: number
  /** A primary that has not written for this long is failed over to a standby that can. */
  hungMs: number
  /** No forced failover for this long after a region becomes leader, so two slow regions do not flip-flop. */
  settleMs: number
  automatic: boolean
}

/** The conclusion of a majority of voting vantages about one region. */
export type Verdict = {
  region: string
  state: 'alive' | 'suspect' | RegionHealth
  /** Vantages that support it. */
  by: string[]
  /** Votes that a conclusion takes. */
  needed: number
  /** Why the region is unhealthy, unless its edge or its app is the reason. */
  why?: 'no path to the primary'
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
      /** The region has not been healthy in this run of the world before, so nothing comes back. */
      first?: true
      /** The primary's region, whose Patroni must check immediately whether its standby is still there. */
      wakes?: string
    }
  /** `to`: the standby to promote; absent when none is known for certain to have every acknowledged write. */
  | { kind: 'revokeLeader'; leader: Leader; by: string[]; to?: string }
  | { kind: 'forceFailover'; leader: Leader; to: string; unresponsiveMs: number }
  | { kind: 'moveEtcdLeader'; from: string; to: string }
