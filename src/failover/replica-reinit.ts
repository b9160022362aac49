/** The agent's knowledge of its own replica after the primary has refused to send it WAL. */
export type StuckReplica = {
  self: string
  /** Holder of the leader lock. */
  leader: string | undefined
  /** From Patroni's record: the regions that it may promote. */
  syncStandbys: readonly string[]
  role: 'primary' | 'replica' | 'unknown'
  /** From Patroni: `running`, `starting`, `streaming`, `creating replica`, …; undefined when it does not answer. */
  state: string | undefined
  timeline: number | undefined
  /** From a fresh report of the primary's own agent; undefined without one. */
  primary: { role: string; timeline: number | undefined } | undefined
  /** How long the primary has been refusing the same WAL segment. */
  missingForMs: number
  /** Since the last attempt; Infinity before the first. */
  sinceAttemptMs: number
  attempts: number
}

/** Longer than any change of primary, so WAL that is merely late arrives within it. */
export const missingMs = 15_000
/** Doubles with each attempt, so a reinit that fails for another reason does not load the primary forever. */
const retryMs = 300_000
const maxRetryMs = 3_600_000

/**
 * Patroni's states of a replica that receives no WAL. Undefined is one of them: while a rewound replica cannot finish
 * its start, Patroni takes longer to answer than the agent waits.
 */
const stuckStates: (string | undefined)[] = ['running', 'starting', undefined]

/**
 * Whether a replica's data may be deleted and copied from the primary. Pure.
 *
 * Deletes only data that cannot be needed again: another region leads, and its own agent reports its database as the
 * primary, on a timeline that is not behind this one's; Patroni would not promote this replica (a replica that it
 * would promote could hold the only other copy of acknowledged writes); and the replica is neither streaming nor being
 * copied.
 */
export function mayReinit(replica: StuckReplica): boolean {
  if (replica.missingForMs < missingMs) return false
  if (replica.sinceAttemptMs < Math.min(maxRetryMs, retryMs * 2 ** Math.max(0, replica.attempts - 1)))
    return false
  if (replica.leader === undefined || replica.leader === replica.self) return false
  if (replica.syncStandbys.includes(replica.self)) return false
  if (replica.role === 'primary' || !stuckStates.includes(replica.state)) return false
  if (replica.primary?.role !== 'primary' || replica.primary.timeline === undefined) return false
  // A replica that is still starting reports no timeline. Patroni has already rewound it or let it follow.
  return replica.timeline === undefined || replica.timeline <= replica.primary.timeline
}
