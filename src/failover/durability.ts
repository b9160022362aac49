import type { Topology } from '../topology/schema.ts'

/** As configured in the topology. */
export type DurabilityAsked = Topology['database']['durability']

/**
 * The guarantee that an acknowledged write has right now. `region`: it is on disk in two regions, and the second one
 * can take over. `at risk`: the topology asks for that, but there is no sync standby. `stopped`: `strict`, and there is
 * no standby to acknowledge. `local`: asynchronous, as configured. `unknown`: the primary's standbys are not known.
 */
export const durabilities = ['region', 'at risk', 'stopped', 'local', 'unknown'] as const
export type Durability = (typeof durabilities)[number]

/** Patroni's record in etcd of the regions that have every write which `leader` has acknowledged. */
export type SyncRecord = { leader?: string; standbys: readonly string[] }

/** Regions that may take over from `primary`. A record that names another primary is from before a failover. */
export const recordedStandbys = (sync: SyncRecord, primary: string | undefined): readonly string[] =>
  primary !== undefined && sync.leader === primary ? sync.standbys : []

type ReplicationFacts = {
  asked: DurabilityAsked
  /** Standbys that stream from the primary, from its `pg_stat_replication`; undefined when that is not known. */
  standbys: readonly { region: string; synchronous: boolean }[] | undefined
  /** Whether Patroni's record allows the region to take over; undefined when that is not known. */
  isRecorded: (region: string) => boolean | undefined
}

/**
 * The durability in force. All code that shows, measures or waits for durability uses this function. Pure.
 *
 * Both sources must agree when both are known. `pg_stat_replication` shows that commits wait for a standby; Patroni's
 * record shows that the standby may be promoted. PostgreSQL waits for a new standby a few seconds before Patroni
 * records it. Until then, losing the primary's region loses no write, but no region can take over. In the other
 * direction, Patroni removes a standby from its record before PostgreSQL stops waiting for it.
 *
 * If the record is not known, because no agent and no standby's Patroni answers, `pg_stat_replication` alone decides.
 * The record alone is not enough, because it does not show whether the standby streams.
 */
export function durabilityInForce({ asked, standbys, isRecorded }: ReplicationFacts): Durability {
  if (asked === 'local') return 'local'
  if (!standbys) return 'unknown'
  if (standbys.some(({ region, synchronous }) => synchronous && isRecorded(region) !== false)) return 'region'
  return asked === 'strict' ? 'stopped' : 'at risk'
}

/**
 * The durability of a world without faults, which commands and drills wait for. With a single full region no write can
 * be in two: `region` then accepts one, `strict` never does. Pure.
 */
export function settledDurability(asked: DurabilityAsked, fullRegions: number): Durability {
  if (asked === 'local') return 'local'
  return fullRegions < 2 && asked === 'region' ? 'at risk' : 'region'
}
