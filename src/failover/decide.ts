import { recordedStandbys } from './durability.ts'
import type { Action, DecisionInput, Verdict } from './types.ts'
import { healthAfter, verdictOn } from './verdict.ts'

/**
 * The decision that every agent computes from the same observations. Pure: no clock, no I/O. Each action carries the
 * revision it was decided on, so that an etcd transaction lets exactly one agent carry it out.
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
      ...(wakes ? { wakes } : {}),
    })
  }
  const { leader } = world
  const lostLeader = verdicts.find(
    (verdict) => verdict.state === 'unreachable' && verdict.region === leader?.region,
  )
  if (leader && lostLeader && world.policy.automatic) {
    const to = successor(leader.region, world, verdicts)
    actions.push({ kind: 'revokeLeader', leader, by: lostLeader.by, ...(to === undefined ? {} : { to }) })
  }
  const forceFailover = hungPrimary(world)
  if (forceFailover) actions.push(forceFailover)
  const better = betterEtcdLeader(world)
  if (better) actions.push(better)
  return { verdicts, actions }
}

/**
 * The standby that Patroni would elect, where there is only one: named to it, it does not ask the lost primary first
 * whether that is still alive, and wait for an answer. Of several it finds out itself which is ahead.
 */
function successor(lost: string, { sync }: DecisionInput, verdicts: readonly Verdict[]): string | undefined {
  const [only, ...others] = recordedStandbys(sync, lost)
  const isWell = verdicts.some(
    ({ region, state }) => region === only && (state === 'healthy' || state === 'alive'),
  )
  return isWell && others.length === 0 ? only : undefined
}

/** A primary finds out at its next loop that its standby is gone, and commits wait until it does. */
function primaryToWake(lost: string, { leader, regions }: DecisionInput): string | undefined {
  const full = regions.some((region) => region.name === lost && region.full)
  return full && leader && leader.region !== lost ? leader.region : undefined
}

/**
 * A primary that hangs answers nobody and acknowledges nothing, while its Patroni keeps the leader's lock, in part for
 * ever: a disk that takes no writes does not show in what Patroni asks. Only the region itself can tell its database
 * from the way to it, so it alone proposes, and only a standby that has every acknowledged write and can be reached.
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
 * etcd should not be led from the region that holds the primary: losing that region would then cost an election, and
 * a new etcd leader renews every lease in full. Best is a witness. Only the region that leads proposes the move, so
 * that one agent acts, and only towards a member that it sees answering.
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
