import type { View } from '../../failover/types.ts'

/** Cycle interval after a region has become unreachable. */
const fastMs = 200
/** Cycle interval when the verdict on such a region is due, since late reports would delay it. */
const urgentMs = 50
/** Duration of the urgent phase: time for the other agents to reach the same verdict and for a new leader. */
const verdictMs = 1000
/**
 * Cycle interval otherwise, in probe intervals. A probe whose answer changes triggers a cycle, so this adds no delay.
 */
const normalProbes = 2
/**
 * Maximum cycle interval for any `probeMs`: reports have a lease of 3 s, and snapshots older than `freshMs` are
 * ignored.
 */
const maxIntervalMs = 1000
/**
 * Cycles stay fast until the verdict (`suspectMs`) and for this long after it, for the election: without agents,
 * Patroni's TTL would end it by then. Not longer, because a region may be down for days and every cycle of every agent
 * writes to etcd.
 */
const electionMs = 20_000

/**
 * Interval between two coordination cycles, from the agent's view of the other regions. A region without any answer yet
 * counts as unreachable, so cycles are also fast while a world starts.
 */
export function cycleIntervalMs(
  view: Record<string, View>,
  { probeMs, suspectMs }: { probeMs: number; suspectMs: number },
): number {
  const unreachableForMs = Object.values(view)
    .map((region) => Object.values(region))
    .filter((answers) => answers.every((seen) => !seen.ok))
    .map((answers) => (answers.length === 0 ? 0 : Math.min(...answers.map((seen) => seen.forMs))))
  if (unreachableForMs.some((ms) => ms >= suspectMs - fastMs && ms < suspectMs + verdictMs)) return urgentMs
  if (unreachableForMs.some((ms) => ms < suspectMs + electionMs)) return Math.min(fastMs, probeMs)
  return Math.min(maxIntervalMs, normalProbes * probeMs)
}
