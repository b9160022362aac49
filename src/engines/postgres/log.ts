/**
 * A standby's own log, when it asks for WAL that its primary has removed. The words after `ERROR:` are the primary's,
 * passed on: nobody else can say them. PostgreSQL itself tries again for ever.
 */
const removed = /ERROR: {2}requested WAL segment ([0-9A-F]{24}) has already been removed/g

/** The WAL segment that was asked for in vain last, if any was in this piece of log. Pure. */
export function missingWalIn(log: string): string | undefined {
  return [...log.matchAll(removed)].at(-1)?.[1]
}
