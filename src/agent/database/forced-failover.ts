import { setTimeout as sleep } from 'node:timers/promises'
import { patroniRequest } from '../../engines/postgres/control.ts'
import type { Action } from '../../failover/types.ts'
import { messageOf, NearsideError } from '../../lib/errors.ts'
import type { AgentBase } from '../types.ts'

/** Patroni checks the candidate and writes down what it is to do. */
const noteMs = 2500
/** For a Patroni that still coordination after its PostgreSQL to begin to stop it. */
const beginMs = 1000

/**
 * Gives up a primary that hangs, in favour of a standby that has every acknowledged write.
 *
 * Patroni is asked for a switchover, which it accepts for a synchronous standby only. That alone does not end: the old
 * primary cannot close cleanly. So the leader's lease is revoked, as for a lost region. The order matters. With the
 * wish written down the candidate takes the lock at once, without asking the old primary's Patroni, which may hang with
 * its PostgreSQL; and one that does not hang has begun to stop it, or it would take the lock again itself.
 *
 * It is as safe as for a lost region: what the old primary has not acknowledged it cannot any more, because its
 * standby has moved on; a Patroni that wakes up finds the lock with another and shuts its PostgreSQL.
 */
export async function forceFailover(
  agent: Pick<AgentBase, 'context' | 'store' | 'log'>,
  { leader, to, unresponsiveMs }: Extract<Action, { kind: 'forceFailover' }>,
): Promise<void> {
  const { store, log } = agent
  log.warn({ to, unresponsiveMs }, 'the primary hangs: it is given up')
  if (!(await wish(agent, leader.region, to)))
    throw new NearsideError('no_safe_target', `Patroni does not move the primary to ${to}`)
  await sleep(beginMs)
  const done = await store.revokeLeader(leader)
  if (done) await store.record('forceFailover', { from: leader.region, to, unresponsiveMs })
}

/** Asked of the own Patroni, which is woken by it; of the candidate's when that one does not answer. */
async function wish(
  { context, store, log }: Pick<AgentBase, 'context' | 'store' | 'log'>,
  from: string,
  to: string,
): Promise<boolean> {
  for (const asked of [from, to]) {
    const { address } = context.regions.find((region) => region.name === asked)!
    let refused = false
    // It answers when the primary has moved, or not, many seconds later.
    patroniRequest(context, address, 'POST', '/switchover', { leader: from, candidate: to }, 30_000).catch(
      (error) => {
        refused = true
        log.info({ asked, error: messageOf(error) }, 'switchover')
      },
    )
    for (const until = performance.now() + noteMs; performance.now() < until && !refused; await sleep(100))
      if (await store.isMoving(from, to)) return true
  }
  return false
}
