import { setTimeout as sleep } from 'node:timers/promises'
import { patroniRequest } from '../../engines/postgres/control.ts'
import { recordedStandbys } from '../../failover/durability.ts'
import { NearsideError } from '../../lib/errors.ts'
import type { Agent } from '../agent.ts'
import { longestPauseMs, WriteOutageProbe } from './write-outage-probe.ts'

export type SwitchoverResult = {
  from: string
  to: string
  /** Duration of the whole operation. */
  seconds: number
  /** Longest time without an acknowledged write for a continuous writer; absent when it could not be measured. */
  writePauseMs?: number
}

/** A region that has just come back becomes a sync standby after one or two of Patroni's loops. */
const syncMs = 15_000
/** From Patroni's confirmation of the switchover until this agent sees the new leader in etcd. */
const seenMs = 30_000
/** How long to wait for the first write on the new primary before the write outage counts as unknown. */
const firstWriteMs = 30_000

/**
 * Performs a planned switchover through Patroni, which loses nothing: the old primary shuts down cleanly, and the new
 * one has received all of its WAL before it is promoted. Only a sync standby is accepted as target; an asynchronous
 * standby could lose acknowledged writes.
 */
export async function switchover(
  agent: Agent,
  wanted: string | undefined,
  limits = { syncMs, seenMs, firstWriteMs },
): Promise<SwitchoverResult> {
  const { context } = agent
  const from = agent.coordination.snapshot?.leader?.region
  if (!from) throw new NearsideError('no_primary', 'switchover: there is no primary at the moment')
  if (wanted === from)
    throw new NearsideError('already_primary', `switchover: ${from} already holds the primary`)
  const deadline = performance.now() + limits.syncMs
  while (
    !targets(agent, from).some((one) => wanted === undefined || one === wanted) &&
    performance.now() < deadline
  )
    await sleep(100)
  const safe = targets(agent, from)
  const to = wanted ?? safe[0]
  if (to === undefined || !safe.includes(to))
    throw new NearsideError(
      'no_safe_target',
      to === undefined
        ? 'switchover: no other region has every acknowledged write'
        : `switchover: ${to} is not known to have every acknowledged write`,
      {
        remedy:
          safe.length > 0
            ? `--to ${safe.join(' or --to ')}`
            : 'wait until `nearside status` shows a sync standby',
      },
    )
  const regionOf = (name: string) => context.regions.find((region) => region.name === name)!
  const probe = new WriteOutageProbe(context, context.region.full ? context.region : regionOf(to))
  probe.start()
  try {
    const measured = await probe.seen(regionOf(from).address, 0, 2000)
    const started = performance.now()
    await patroniRequest(
      context,
      regionOf(from).address,
      'POST',
      '/switchover',
      { leader: from, candidate: to },
      60_000,
    )
    // Patroni also reports success when a region other than the candidate has taken over.
    const landed = await newLeader(agent, from, limits.seenMs)
    const seconds = (performance.now() - started) / 1000
    const resumed = measured && (await probe.seen(regionOf(landed).address, started, limits.firstWriteMs))
    const writePauseMs = resumed ? longestPauseMs(probe.acknowledged) : undefined
    const result = { from, to: landed, seconds, ...(writePauseMs === undefined ? {} : { writePauseMs }) }
    await agent.store.record('switchover', result).catch(() => undefined)
    if (wanted !== undefined && landed !== wanted)
      throw new NearsideError(
        'moved_elsewhere',
        `switchover: the primary moved from ${from} to ${landed} instead of ${wanted}, which could not take over in time`,
        { remedy: `once ${wanted} is a sync standby again: nearside switchover --to ${wanted}` },
      )
    return result
  } finally {
    await probe.stop()
  }
}

async function newLeader(agent: Agent, from: string, limitMs: number): Promise<string> {
  const deadline = performance.now() + limitMs
  for (;;) {
    const leader = agent.coordination.snapshot?.leader?.region
    if (leader !== undefined && leader !== from) return leader
    if (performance.now() > deadline)
      throw new NearsideError(
        'move_not_seen',
        `switchover: Patroni reports that the primary has left ${from}, but no other region has become leader`,
        { remedy: 'check with nearside status which region leads' },
      )
    await sleep(50)
  }
}

/**
 * Regions that may take over. With synchronous replication Patroni's record decides: Patroni refuses any other standby,
 * and adds one to the record a moment after it has caught up.
 */
function targets({ coordination: { snapshot }, context }: Agent, from: string): string[] {
  const streaming = (snapshot?.reports[from]?.database?.standbys ?? []).map((standby) => standby.region)
  if (context.topology.database.durability === 'local') return streaming
  const recorded = snapshot ? recordedStandbys(snapshot.sync, from) : []
  return streaming.filter((region) => recorded.includes(region))
}
