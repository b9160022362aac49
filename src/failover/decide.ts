import { recordedStandbys } from './durability.ts'
import type { Action, DecisionInput, Verdict } from './types.ts'
import { healthAfter, verdictOn } from './verdict.ts'

/**
 * Every agent computes this decision from the same observations. Pure: no clock, no I/O. Each action carries the
 * revision that it is based on, so an etcd transaction lets exactly one agent carry it out.
 */
export function decide(world: DecisionInput): { verdicts: Verdict[]; actions: Action[] } {
  const verdicts = world.regions.map((region) => verdictOn(region.name, world))
  const actions: Action[] = []
  for (const verdict of verdicts) {
    const { state: was, revision } = world.health[verdict.region] ?? { state: 'healthy', revision: '0' }
    const state = healthAfter(verdict, was)
    if (state === undefined) continue
    const wakes = state === 'unreachable' ? primaryToWake(verdict.region, world) : undefined
    actions.push({
      kind: 'setHealth',
      region: verdict.region,
      state,
      was,
      revision,
      by: verdict.by,
      ...(verdict.why ? { why: verdict.why } : {}),
      ...(state === 'healthy' && !world.served.includes(verdict.region) ? { first: true as const } : {}),
      ...(wakes ? { wakes } : {}),
    })
  }
  const { leader } = world
  const leaderUnreachable = verdicts.find(
    (verdict) => verdict.state === 'unreachable' && verdict.region === leader?.region,
  )
  if (leader && leaderUnreachable && world.policy.automatic) {
    const to = successor(leader.region, world, verdicts)
    actions.push({
      kind: 'revokeLeader',
      leader,
      by: leaderUnreachable.by,
      ...(to === undefined ? {} : { to }),
    })
  }
  const forceFailover = hungPrimary(world)
  if (forceFailover) actions.push(forceFailover)
  const better = betterEtcdLeader(world)
  if (better) actions.push(better)
  return { verdicts, actions }
}

/** Regions that are healthy for the first time in this run of the world, which is to be remembered. Pure. */
export const firstServing = (verdicts: readonly Verdict[], served: readonly string[]): string[] =>
  verdicts
    .filter(({ state, region }) => state === 'healthy' && !served.includes(region))
    .map(({ region }) => region)

/**
 * The only standby that Patroni can elect; undefined when several could be. A named candidate is promoted without first
 * waiting for an answer from the unreachable primary. Among several, Patroni itself must find out which is ahead.
 */
function successor(
  unreachable: string,
  { sync }: DecisionInput,
  verdicts: readonly Verdict[],
): string | undefined {
  const [only, ...others] = recordedStandbys(sync, unreachable)
  const answers = verdicts.some(
    ({ region, state }) => region === only && (state === 'healthy' || state === 'alive'),
  )
  return answers && others.length === 0 ? only : undefined
}

/** Commits wait for a lost standby until the primary's Patroni drops it in its next loop, so an agent wakes Patroni. */
function primaryToWake(unreachable: string, { leader, regions }: DecisionInput): string | undefined {
  const full = regions.some((region) => region.name === unreachable && region.full)
  return full && leader && leader.region !== unreachable ? leader.region : undefined
}

/**
 * A hung primary acknowledges nothing, but its Patroni keeps the leader lock: until the TTL expires, or forever when
 * only the disk hangs, because Patroni's health query needs no write. Other regions cannot distinguish a hung database
 * from a broken network, so only the primary's own region proposes the failover, and only to a reachable standby that
 * has every acknowledged write.
 */
function hungPrimary({
  self,
  leader,
  ownPrimary,
  observations,
  policy,
  health,
}: DecisionInput): Action | undefined {
  if (!policy.automatic || !ownPrimary || leader?.region !== self) return undefined
  if (ownPrimary.unresponsiveMs < policy.hungMs || ownPrimary.leadsForMs < policy.settleMs) return undefined
  const to = ownPrimary.standbys.find(
    (region) =>
      region !== self &&
      observations[self]?.seen[region]?.patroni?.ok === true &&
      health[region]?.state !== 'unreachable',
  )
  if (to === undefined) return undefined
  return { kind: 'forceFailover', leader, to, unresponsiveMs: Math.round(ownPrimary.unresponsiveMs) }
}

/**
 * Keeps the etcd leader out of the primary's region: if that region failed, etcd would have to elect a leader first,
 * and a new etcd leader restarts every lease with its full TTL. Prefers a witness. Only the region of the current etcd
 * leader proposes the move, so exactly one agent acts, and only to a member that answers its probes.
 */
function betterEtcdLeader({
  self,
  regions,
  leader,
  etcdLeader,
  observations,
  policy,
}: DecisionInput): Action | undefined {
  if (!leader || etcdLeader !== self || leader.region !== self) return undefined
  const candidates = regions
    .filter((region) => region.votes && region.name !== self)
    .filter((region) => {
      const seen = observations[self]?.seen[region.name]?.etcd
      return seen?.ok === true && seen.forMs >= policy.recoverMs
    })
    .sort((a, b) => Number(a.full) - Number(b.full))
  const to = candidates[0]
  return to && { kind: 'moveEtcdLeader', from: self, to: to.name }
}
