/** The wide-area network of a lab: one process that holds packets between places for as long as distance would. */
export { connectShaper } from './client.ts'
export { startShaper, stopShaper } from './start.ts'
export type { Link, LinkParams, LinkStats, Prefix, Shaper, Totals } from './types.ts'
