import { setTimeout as sleep } from 'node:timers/promises'
import { patroniRequest } from '../../engines/postgres/control.ts'
import type { Action } from '../../failover/types.ts'
import { messageOf, NearsideError } from '../../lib/errors.ts'
import type { AgentBase } from '../types.ts'

/** Time for Patroni to check the candidate and write the switchover request to etcd. */
const requestMs = 2500
/** Time for a Patroni that does not hang to begin stopping its PostgreSQL. */
const stopMs = 1000

/**
 * Fails over from a hung primary to a standby that has every acknowledged write.
 *
 * First it requests a switchover, which Patroni accepts only for a sync standby. That alone never completes, because
 * the old primary cannot shut down cleanly. So it then revokes the leader's lease, as for an unreachable region. The
 * order matters: with the request in etcd, the candidate takes the lock immediately, without asking the old primary's
 * Patroni, which may hang as well. And a Patroni that does not hang has begun to stop its PostgreSQL by then; otherwise
 * it would take the lock again.
 *
 * This is as safe as for an unreachable region: the old primary cannot acknowledge pending writes any more, because its
 * standby has moved to a new timeline. When its Patroni resumes, it finds that another region holds the lock, and stops
 * its PostgreSQL.
 */
export async function forceFailover(
  agent: Pick<AgentBase, 'context' | 'store' | 'log'>,
  { leader, to, unresponsiveMs }: Extract<Action, { kind: 'forceFailover' }>,
): Promise<void> {
  const { store, log } = agent
  log.warn({ to, unresponsiveMs }, 'primary hangs, forcing failover')
  if (!(await requestSwitchover(agent, leader.region, to)))
    throw new NearsideError('no_safe_target', `Patroni refuses a switchover to ${to}`)
  await sleep(stopMs)
  const done = await store.revokeLeader(leader)
  if (done) await store.record('forceFailover', { from: leader.region, to, unresponsiveMs })
}

/** Asks the region's own Patroni, which the request also wakes, or the candidate's when that one does not answer. */
async function requestSwitchover(
  { context, store, log }: Pick<AgentBase, 'context' | 'store' | 'log'>,
  from: string,
  to: string,
): Promise<boolean> {
  for (const asked of [from, to]) {
    const { address } = context.regions.find((region) => region.name === asked)!
    let refused = false
    // Patroni answers only after the switchover has succeeded or failed, many seconds later.
    patroniRequest(context, address, 'POST', '/switchover', { leader: from, candidate: to }, 30_000).catch(
      (error) => {
        refused = true
        log.info({ region: asked, error: messageOf(error) }, 'switchover request failed')
      },
    )
    for (const until = performance.now() + requestMs; performance.now() < until && !refused; await sleep(100))
      if (await store.isMoving(from, to)) return true
  }
  return false
}
