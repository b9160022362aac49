import { setTimeout as sleep } from 'node:timers/promises'
import { patroniRequest } from '../engines/postgres/control.ts'
import { NearsideError } from '../lib/errors.ts'
import type { Agent } from './agent.ts'
import { longestPauseMs, WriteProbe } from './write-probe.ts'

export type SwitchoverResult = {
  from: string
  to: string
  /** Of the whole operation. */
  seconds: number
  /** Longest time without an acknowledged write, as one who writes all the time saw it; absent when none got through. */
  writePauseMs?: number
}

/** A region that has just come back is in step after one or two of Patroni's rounds. */
const inStepMs = 15_000
/** How long the first write at the new primary may take to come through before the pause is called unknown. */
const firstWriteMs = 30_000

/**
 * A planned change of primary, through Patroni, which loses nothing: the old primary shuts down cleanly and the new
 * one has all of its WAL before it is promoted. Only a synchronous standby is accepted as target; an asynchronous one
 * could lose acknowledged writes.
 */
export async function switchover(agent: Agent, wanted: string | undefined): Promise<SwitchoverResult> {
  const { context } = agent
  const from = agent.snapshot?.leader?.region
  if (!from) throw new NearsideError('no_primary', 'switchover: there is no primary at the moment')
  if (wanted === from)
    throw new NearsideError('already_primary', `switchover: ${from} holds the primary already`)
  const deadline = performance.now() + inStepMs
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
            : 'wait until `nearside status` shows a standby in step',
      },
    )
  const regionOf = (name: string) => context.regions.find((region) => region.name === name)!
  const probe = new WriteProbe(context, context.region.full ? context.region : regionOf(to))
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
    await agent.until((now) => now.leader?.region === to)
    const seconds = (performance.now() - started) / 1000
    const resumed = measured && (await probe.seen(regionOf(to).address, started, firstWriteMs))
    const writePauseMs = resumed ? longestPauseMs(probe.acknowledged) : undefined
    const result = { from, to, seconds, ...(writePauseMs === undefined ? {} : { writePauseMs }) }
    await agent.shared.record('switchover', result).catch(() => undefined)
    return result
  } finally {
    await probe.stop()
  }
}

/**
 * Regions that may take over. With synchronous replication Patroni's own record decides: it names a standby a moment
 * after the standby is in step, and Patroni refuses any other.
 */
function targets({ snapshot, context }: Agent, from: string): string[] {
  const streaming = (snapshot?.reports[from]?.database?.standbys ?? []).map((standby) => standby.region)
  if (context.topology.database.durability === 'local') return streaming
  return streaming.filter((region) => snapshot!.sync.standbys.includes(region))
}
