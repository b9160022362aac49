import type { Topology } from '../topology/schema.ts'
import { freshMs } from './fresh.ts'
import type { DecisionInput, Policy, RegionHealth, Verdict, View } from './types.ts'

/**
 * The verdict of the voting vantages on one region. A conclusion takes a majority of *all* voting regions, reachable or
 * not, so the two sides of a network partition can never both reach one. A region has no vote on whether it is itself
 * unreachable.
 *
 * - unreachable: a majority has had no answer from any of the region's probes for `suspectMs`
 * - unhealthy: it answers, but a majority has found it unable to serve users (edge or app) for `suspectMs`; the app of
 *   an edge is any healthy one that it can reach; or the region itself reports no path to the primary for `recoverMs` while a majority reaches the primary. `recoverMs` is
 *   long enough for the primary's own region to be declared unreachable first
 * - healthy: everything that users need has answered a majority for `recoverMs`
 * - suspect: at least one vantage currently gets no answer
 * - alive: none of these; the agreed health stands
 */
export function verdictOn(target: string, world: DecisionInput): Verdict {
  const needed = Math.floor(world.regions.filter((region) => region.votes).length / 2) + 1
  const { policy } = world
  const votingViews = world.regions
    .filter((vantage) => vantage.votes && vantage.name !== target)
    .map((vantage) => ({ name: vantage.name, observation: world.observations[vantage.name] }))
    .filter(({ observation }) => observation !== undefined && observation.ageMs <= policy.freshMs)
    .map(({ name, observation }) => ({ name, view: observation!.seen[target] ?? {} }))
  const supporters = (holds: (view: View) => boolean) =>
    votingViews.filter(({ view }) => holds(view)).map(({ name }) => name)

  const unreachable = supporters((view) => deadForMs(view) >= policy.suspectMs)
  if (unreachable.length >= needed) return { region: target, state: 'unreachable', by: unreachable, needed }
  const serves = world.regions.find((region) => region.name === target)?.serves ?? false
  const unhealthy = supporters((view) => notServingForMs(view) >= policy.suspectMs && deadForMs(view) === 0)
  if (serves && unhealthy.length >= needed)
    return { region: target, state: 'unhealthy', by: unhealthy, needed }
  const cutOff = cutOffFromPrimary(target, world, needed)
  if (serves && cutOff && cutOff.forMs >= policy.recoverMs)
    return { region: target, state: 'unhealthy', by: cutOff.by, needed, why: 'no path to the primary' }
  const healthy = supporters((view) => healthyForMs(view) >= policy.recoverMs)
  // A region that publishes its report reaches the majority, so it votes for its own recovery, but only together with
  // at least one other vantage that sees it serve users.
  const own = world.observations[target]
  const itself = own !== undefined && own.ageMs <= policy.freshMs && votes(world, target) ? [target] : []
  if (healthy.length > 0 && healthy.length + itself.length >= needed && !(serves && cutOff))
    return { region: target, state: 'healthy', by: [...healthy, ...itself], needed }
  const suspect = supporters((view) => deadForMs(view) > 0)
  return { region: target, state: suspect.length > 0 ? 'suspect' : 'alive', by: suspect, needed }
}

/**
 * Whether a region alone has no path to the primary: every write there would wait out its hold and fail, and its reads
 * would be ever staler. `forMs` is 0 while the path has been back for less than `recoverMs`; `by` names the voting
 * regions that do reach the primary, its own region among them.
 *
 * Undefined once the path has been back for `recoverMs`, without a primary, or when less than a majority reaches the
 * primary: then the fault is not this region's, and sending its users elsewhere would not help them.
 */
function cutOffFromPrimary(
  target: string,
  { leader, observations, policy, regions }: DecisionInput,
  needed: number,
): { forMs: number; by: string[] } | undefined {
  if (leader === undefined || leader.region === target) return undefined
  const fresh = (region: string) => {
    const found = observations[region]
    return found !== undefined && found.ageMs <= policy.freshMs ? found : undefined
  }
  const own = fresh(target)?.seen[leader.region]?.patroni
  if (own === undefined || (own.ok && own.forMs >= policy.recoverMs)) return undefined
  const by = regions
    .filter((vantage) => vantage.votes && vantage.name !== target)
    .map((vantage) => vantage.name)
    .filter((name) =>
      name === leader.region
        ? fresh(name) !== undefined
        : fresh(name)?.seen[leader.region]?.patroni?.ok === true,
    )
  if (by.length < needed) return undefined
  return { forMs: own.ok ? 0 : own.forMs, by }
}

const votes = (world: DecisionInput, region: string) =>
  world.regions.some((r) => r.name === region && r.votes)

/** How long no probe at all has been answered; 0 while any is. */
function deadForMs(view: View): number {
  const all = Object.values(view)
  return all.length > 0 && all.every((seen) => !seen.ok) ? Math.min(...all.map((seen) => seen.forMs)) : 0
}

/** How long the edge or the app has not answered; 0 while both do. */
function notServingForMs(view: View): number {
  return Math.max(0, ...[view.edge, view.app].map((seen) => (seen && !seen.ok ? seen.forMs : 0)))
}

/** How long everything that users need has answered. For a witness that is etcd alone. */
function healthyForMs(view: View): number {
  const needs = [view.edge, view.app].filter((seen) => seen !== undefined)
  const all = needs.length > 0 ? needs : Object.values(view)
  return all.length > 0 && all.every((seen) => seen.ok) ? Math.min(...all.map((seen) => seen.forMs)) : 0
}

/** The health to agree on after a verdict; undefined when it does not change. */
export function healthAfter(verdict: Verdict, was: RegionHealth): RegionHealth | undefined {
  if (verdict.state === 'alive' || verdict.state === 'suspect') return undefined
  return verdict.state === was ? undefined : verdict.state
}

export function defaultPolicy(failover: Topology['failover']): Policy {
  return {
    suspectMs: failover.suspectMs,
    freshMs: Math.max(freshMs, 4 * failover.probeMs),
    recoverMs: Math.max(2 * failover.suspectMs, 4 * failover.probeMs),
    // Together with the election that follows, well below the time for which writes are held.
    hungMs: Math.max(4500, 2 * failover.suspectMs),
    settleMs: 30_000,
    automatic: failover.automatic,
  }
}
