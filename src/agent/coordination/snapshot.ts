import type { SyncRecord } from '../../failover/durability.ts'
import type { Leader, Observation } from '../../failover/types.ts'
import type { ReleaseState } from '../release/state.ts'
import type { HealthEntry } from './keys/health.ts'
import type { Damage } from './keys/kind.ts'
import type { PurgePosition } from './keys/purges.ts'
import type { Report } from './keys/report.ts'

/** What one cycle reads from the state store. */
export type Snapshot = {
  /** By region: its report, and how long this reader has known it. */
  reports: Record<string, Report & { ageMs: number }>
  health: Record<string, HealthEntry & { revision: string; sinceMs: number }>
  /** By region: the run of the world in which it was last healthy for the first time. */
  served: Record<string, string>
  /** The agreed steering table; `modRevision` is '0' before the first agreement. */
  table: { revision: string | undefined; modRevision: string; sinceMs: number }
  leader: Leader | undefined
  /** A damaged leader key under no lease, which would keep Patroni from electing anybody. */
  unheldLeader?: { modRevision: string }
  /** How long this reader has known the current revision of the leader key. */
  leaderSinceMs: number
  sync: SyncRecord
  /** By run. */
  releases: Record<string, ReleaseState | undefined>
  initialized: boolean
  /** The latest purge of the world; undefined when there was none. */
  purgeHead: PurgePosition | undefined
  /** Keys whose value was skipped, among those that every cycle reads. */
  damaged: Damage[]
}

export function observationsOf(snapshot: Snapshot): Record<string, Observation> {
  return Object.fromEntries(
    Object.entries(snapshot.reports).map(([region, { ageMs, seen }]) => [region, { ageMs, seen }]),
  )
}
