import type { View } from '../failover/types.ts'

/** Between two looks while a region has just fallen silent. */
const alarmedMs = 200
/** Otherwise, in probes: a probe with a new answer brings the next look forward, so calm costs no time. */
const calmProbes = 2
/**
 * Haste is for the verdict (`suspectMs`) and for the election after it, which without us would be over with Patroni's
 * ttl. A region may stay dead for days, and every look is a write to etcd by every agent.
 */
const electionMs = 20_000

/**
 * How long an agent waits between two looks, by what it sees of the other regions. One of which nothing is known yet
 * counts as silent: a world that starts is in haste too.
 */
export function lookEveryMs(
  view: Record<string, View>,
  { probeMs, suspectMs }: { probeMs: number; suspectMs: number },
): number {
  const hasteMs = suspectMs + electionMs
  const alarmed = Object.values(view).some((region) =>
    Object.values(region).every((seen) => !seen.ok && seen.forMs < hasteMs),
  )
  return alarmed ? Math.min(alarmedMs, probeMs) : calmProbes * probeMs
}
