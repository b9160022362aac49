import type { Topology } from '../topology/schema.ts'

/** What the topology asks for. */
export type DurabilityAsked = Topology['database']['durability']

/**
 * What an acknowledged write is worth right now. `region`: on disk in two regions, and the second one can take over.
 * `at risk`: the topology asks for that, but one region is alone. `stopped`: `strict`, and no standby to acknowledge.
 * `local`: asynchronous by choice. `unknown`: nobody who knows the primary's standbys answers.
 */
export type Durability = 'region' | 'at risk' | 'stopped' | 'local' | 'unknown'

/** Patroni's record in etcd of the regions that hold every write which the named primary has acknowledged. */
export type SyncRecord = { leader?: string; standbys: readonly string[] }

/** The regions that may take over from `primary`. A record that names another primary is from before a failover. */
export const recordedStandbys = (sync: SyncRecord, primary: string | undefined): readonly string[] =>
  primary !== undefined && sync.leader === primary ? sync.standbys : []

type ReplicationFacts = {
  asked: DurabilityAsked
  /** Standbys that stream from the primary, by its `pg_stat_replication`; undefined when it could not be asked. */
  standbys: readonly { region: string; synchronous: boolean }[] | undefined
  /** Whether Patroni's record names the region as one that may take over; undefined when that is not known. */
  isRecorded: (region: string) => boolean | undefined
}

/**
 * The durability in force. Everything that shows, measures or waits for durability asks here. Pure.
 *
 * Two sources count, and one of them is not enough when both are known. `pg_stat_replication` says that commits wait
 * for a standby; Patroni's record says that the standby may be promoted. PostgreSQL waits for a new standby a few
 * seconds before Patroni has recorded it: until then the loss of the primary's region loses no write, but no region
 * can take over. In the other direction, Patroni removes a standby from its record before PostgreSQL stops waiting.
 *
 * Where the record is not known (no agent and no standby's Patroni answers), `pg_stat_replication` alone decides. The
 * record alone decides nothing: it does not say whether the standby streams.
 */
export function durabilityInForce({ asked, standbys, isRecorded }: ReplicationFacts): Durability {
  if (asked === 'local') return 'local'
  if (!standbys) return 'unknown'
  if (standbys.some(({ region, synchronous }) => synchronous && isRecorded(region) !== false)) return 'region'
  return asked === 'strict' ? 'stopped' : 'at risk'
}

/**
 * The durability that a world has once nothing is amiss, and that commands and drills wait for. With a single full
 * region no write can be in two: `region` then accepts one, `strict` never does. Pure.
 */
export function settledDurability(asked: DurabilityAsked, fullRegions: number): Durability {
  if (asked === 'local') return 'local'
  return fullRegions < 2 && asked === 'region' ? 'at risk' : 'region'
}
