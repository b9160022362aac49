/**
 * A standby logs this when it requests WAL that its primary has removed. The text after `ERROR:` is the primary's own.
 * PostgreSQL keeps retrying forever.
 */
const removed = /ERROR: {2}requested WAL segment ([0-9A-F]{24}) has already been removed/g

/** The WAL segment of the last such error in a piece of log, if any. Pure. */
export function missingWalIn(log: string): string | undefined {
  return [...log.matchAll(removed)].at(-1)?.[1]
}
