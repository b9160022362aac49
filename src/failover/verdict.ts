import type { Topology } from '../topology/schema.ts'
import type { DecisionInput, Policy, RegionHealth, Verdict, View } from './types.ts'

/**
 * What the voting vantages conclude about one region. A conclusion needs a majority of *all* voting regions, counted
 * whether they can be heard or not, so two halves of a parted world can never both have one. A region has no say
 * about itself being lost; it is the others who must see it.
 *
 * - lost: a majority has had no answer from any of its probes for `suspectMs`
 * - unhealthy: it answers, but a majority has seen it unable to serve users (edge or app) for `suspectMs`; or it says
 *   itself that it has had no way to the primary, which a majority sees, for `recoverMs`: long enough for a primary
 *   that is lost to be called lost
 * - healthy: a majority has seen everything that users need answer for `recoverMs`
 * - suspect: at least one vantage sees it dead right now
 * - alive: none of these; what was agreed before stands
 */
export function verdictOn(target: string, world: DecisionInput): Verdict {
  const needed = Math.floor(world.regions.filter((region) => region.votes).length / 2) + 1
  const { policy } = world
  const voices = world.regions
    .filter((vantage) => vantage.votes && vantage.name !== target)
    .map((vantage) => ({ name: vantage.name, observation: world.observations[vantage.name] }))
    .filter(({ observation }) => observation !== undefined && observation.ageMs <= policy.freshMs)
    .map(({ name, observation }) => ({ name, view: observation!.seen[target] ?? {} }))
  const supporters = (holds: (view: View) => boolean) =>
    voices.filter(({ view }) => holds(view)).map((v) => v.name)

  const lost = supporters((view) => deadForMs(view) >= policy.suspectMs)
  if (lost.length >= needed) return { region: target, state: 'unreachable', by: lost, needed }
  const serves = world.regions.find((region) => region.name === target)?.serves ?? false
  const unhealthy = supporters((view) => uselessForMs(view) >= policy.suspectMs && deadForMs(view) === 0)
  if (serves && unhealthy.length >= needed)
    return { region: target, state: 'unhealthy', by: unhealthy, needed }
  const cutOff = withoutPrimary(target, world, needed)
  if (serves && cutOff && cutOff.unreachedForMs >= policy.recoverMs)
    return { region: target, state: 'unhealthy', by: cutOff.by, needed, why: 'no way to the primary' }
  const healthy = supporters((view) => healthyForMs(view) >= policy.recoverMs)
  // That a region can publish shows that it reaches the majority: it counts towards its own recovery, but only beside
  // at least one other that sees users served there.
  const own = world.observations[target]
  const itself = own !== undefined && own.ageMs <= policy.freshMs && votes(world, target) ? [target] : []
  if (healthy.length > 0 && healthy.length + itself.length >= needed && !(serves && cutOff))
    return { region: target, state: 'healthy', by: [...healthy, ...itself], needed }
  const suspect = supporters((view) => deadForMs(view) > 0)
  return { region: target, state: suspect.length > 0 ? 'suspect' : 'alive', by: suspect, needed }
}

/**
 * A region whose users could read but not write, because it alone has no way to the primary: each write there would
 * wait its full time in vain, and reads would be of yesterday. For how long that is so, 0 while the way has been there
 * again for less than `recoverMs`, and the voting regions that do see a primary (its own region among them).
 * Undefined while it has been reached for long enough, when there is no primary, or when it is not a majority that
 * sees it: what nobody reaches is not one region's trouble, and taking users away would help none of them.
 */
function withoutPrimary(
  target: string,
  { leader, observations, policy, regions }: DecisionInput,
  needed: number,
): { unreachedForMs: number; by: string[] } | undefined {
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
  return { unreachedForMs: own.ok ? 0 : own.forMs, by }
}

const votes = (world: DecisionInput, region: string) =>
  world.regions.some((r) => r.name === region && r.votes)

/** How long nothing at all has answered; 0 when something does. */
function deadForMs(view: View): number {
  const all = Object.values(view)
  return all.length > 0 && all.every((seen) => !seen.ok) ? Math.min(...all.map((seen) => seen.forMs)) : 0
}

/** How long users could not be served there: its edge or its app does not answer. */
function uselessForMs(view: View): number {
  return Math.max(0, ...[view.edge, view.app].map((seen) => (seen && !seen.ok ? seen.forMs : 0)))
}

/** How long everything that users need has answered. A witness has only its etcd. */
function healthyForMs(view: View): number {
  const needs = [view.edge, view.app].filter((seen) => seen !== undefined)
  const all = needs.length > 0 ? needs : Object.values(view)
  return all.length > 0 && all.every((seen) => seen.ok) ? Math.min(...all.map((seen) => seen.forMs)) : 0
}

/** The health that a verdict asks for; undefined when it changes nothing. */
export function healthAfter(verdict: Verdict, was: RegionHealth): RegionHealth | undefined {
  if (verdict.state === 'alive' || verdict.state === 'suspect') return undefined
  return verdict.state === was ? undefined : verdict.state
}

export function defaultPolicy(failover: Topology['failover']): Policy {
  return {
    suspectMs: failover.suspectMs,
    freshMs: Math.max(3000, 4 * failover.probeMs),
    recoverMs: Math.max(2 * failover.suspectMs, 4 * failover.probeMs),
    // With the election after it well below the time that writes are held.
    hungMs: Math.max(4500, 2 * failover.suspectMs),
    settleMs: 30_000,
    automatic: failover.automatic,
  }
}
