import type { View } from '../../failover/types.ts'

/** A look at the state store that is older than this says nothing about now: while all is well there is one a second. */
export const freshMs = 3000

/** Between two coordination while a region has just fallen silent. */
const alarmedMs = 200
/** The same when the verdict on it falls due: what is published or read later delays it. */
const urgentMs = 50
/** For so long: the time for the others to come to the same, and for somebody to lead. */
const verdictMs = 1000
/** Otherwise, in probes: a probe with a new answer brings the next look forward, so calm costs no time. */
const calmProbes = 2
/**
 * Haste is for the verdict (`suspectMs`) and for the election after it, which without us would be over with Patroni's
 * ttl. A region may stay dead for days, and every look is a write to etcd by every agent.
 */
const electionMs = 20_000

/**
 * How long an agent waits between two coordination, by what it sees of the other regions. One of which nothing is known yet
 * counts as silent: a world that starts is in haste too.
 */
export function cycleIntervalMs(
  view: Record<string, View>,
  { probeMs, suspectMs }: { probeMs: number; suspectMs: number },
): number {
  const silentForMs = Object.values(view)
    .map((region) => Object.values(region))
    .filter((answers) => answers.every((seen) => !seen.ok))
    .map((answers) => (answers.length === 0 ? 0 : Math.min(...answers.map((seen) => seen.forMs))))
  if (silentForMs.some((ms) => ms >= suspectMs - alarmedMs && ms < suspectMs + verdictMs)) return urgentMs
  if (silentForMs.some((ms) => ms < suspectMs + electionMs)) return Math.min(alarmedMs, probeMs)
  return calmProbes * probeMs
}
