/** What a region's agent knows about its own replica, when the primary has refused it WAL. */
export type Stranded = {
  self: string
  /** Who holds the leader's lock, and who may be promoted by Patroni's own record. */
  leader: string | undefined
  syncStandbys: readonly string[]
  role: 'primary' | 'replica' | 'unknown'
  /** By Patroni: `running`, `starting`, `streaming`, `creating replica`, …; undefined when it does not answer. */
  state: string | undefined
  timeline: number | undefined
  /** By the primary's own agent, from a fresh report; undefined without one. */
  primary: { role: string; timeline: number | undefined } | undefined
  /** For how long the same WAL has been asked for in vain. */
  missingForMs: number
  /** Since the last copy was asked for; Infinity before the first. */
  sinceTriedMs: number
  /** Copies asked for so far. */
  tries: number
}

/** Longer than any change of primary: WAL that is only late comes. */
export const missingMs = 15_000
/** Between two copies; doubled each time, so that what fails for another reason does not load the primary for ever. */
const againMs = 300_000
const longestMs = 3_600_000

/**
 * What Patroni says of one that gets nothing. One that was rewound and cannot finish its start makes Patroni ask it for
 * longer than an agent waits for an answer.
 */
const maySay: (string | undefined)[] = ['running', 'starting', undefined]

/**
 * Whether a replica's data may be thrown away and copied from the primary. Pure.
 *
 * Only what nobody can need is given up: another region leads and its own agent says that its database is the primary,
 * on a timeline that is not behind this one's; this replica is not one that Patroni would promote (so it may be the
 * only other copy of acknowledged writes); and it neither streams nor is being made at the moment.
 */
export function mayCopyAnew(now: Stranded): boolean {
  if (now.missingForMs < missingMs) return false
  if (now.sinceTriedMs < Math.min(longestMs, againMs * 2 ** Math.max(0, now.tries - 1))) return false
  if (now.leader === undefined || now.leader === now.self) return false
  if (now.syncStandbys.includes(now.self)) return false
  if (now.role === 'primary' || !maySay.includes(now.state)) return false
  if (now.primary?.role !== 'primary' || now.primary.timeline === undefined) return false
  // One that still starts does not say its timeline; Patroni has let it follow, or has rewound it.
  return now.timeline === undefined || now.timeline <= now.primary.timeline
}
