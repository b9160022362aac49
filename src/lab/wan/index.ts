/** The wide-area network of a lab: one process that delays packets between places. */
export { connectShaper } from './client.ts'
export { startShaper, stopShaper } from './start.ts'
export type { Link, LinkParams, LinkStats, Prefix, Shaper, Totals } from './types.ts'
