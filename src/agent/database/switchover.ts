import { setTimeout as sleep } from 'node:timers/promises'
import { patroniRequest } from '../../engines/postgres/control.ts'
import { recordedStandbys } from '../../failover/durability.ts'
import { NearsideError } from '../../lib/errors.ts'
import type { Agent } from '../agent.ts'
import { longestPauseMs, WriteOutageProbe } from './write-outage-probe.ts'

export type SwitchoverResult = {
  from: string
  to: string
  /** Of the whole operation. */
  seconds: number
  /** Longest time without an acknowledged write, as one who writes all the time saw it; absent when none got through. */
  writePauseMs?: number
}

/** A region that has just come back is in sync after one or two of Patroni's rounds. */
const syncMs = 15_000
/** From Patroni's word that the primary has moved until this agent's own look shows it. */
const seenMs = 30_000
/** How long the first write at the new primary may take to come through before the pause is called unknown. */
const firstWriteMs = 30_000

/**
 * A planned change of primary, through Patroni, which loses nothing: the old primary shuts down cleanly and the new
 * one has all of its WAL before it is promoted. Only a synchronous standby is accepted as target; an asynchronous one
 * could lose acknowledged writes.
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
    throw new NearsideError('already_primary', `switchover: ${from} holds the primary already`)
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
            : 'wait until `nearside status` shows a standby in sync',
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
    // Patroni says yes, too, when another one than the candidate has taken over.
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
        { remedy: `once ${wanted} is in sync again: nearside switchover --to ${wanted}` },
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
        `switchover: Patroni says that the primary has left ${from}, and no other region is seen to lead`,
        { remedy: 'nearside status says who does' },
      )
    await sleep(50)
  }
}

/**
 * Regions that may take over. With synchronous replication Patroni's own record decides: it names a standby a moment
 * after the standby is in sync, and Patroni refuses any other.
 */
function targets({ coordination: { snapshot }, context }: Agent, from: string): string[] {
  const streaming = (snapshot?.reports[from]?.database?.standbys ?? []).map((standby) => standby.region)
  if (context.topology.database.durability === 'local') return streaming
  const recorded = snapshot ? recordedStandbys(snapshot.sync, from) : []
  return streaming.filter((region) => recorded.includes(region))
}
