import { patroniRequest } from '../engines/postgres/control.ts'
import { NearsideError } from '../lib/errors.ts'
import type { Agent } from './agent.ts'

export type SwitchoverResult = { from: string; to: string; seconds: number }

/**
 * A planned change of primary, through Patroni, which loses nothing: the old primary shuts down cleanly and the new
 * one has all of its WAL before it is promoted. Only a synchronous standby is accepted as target; an asynchronous one
 * could lose acknowledged writes.
 */
export async function switchover(agent: Agent, wanted: string | undefined): Promise<SwitchoverResult> {
  const { snapshot, context } = agent
  const from = snapshot?.leader?.region
  if (!from) throw new NearsideError('no_primary', 'switchover: there is no primary at the moment')
  if (wanted === from)
    throw new NearsideError('already_primary', `switchover: ${from} holds the primary already`)
  const standbys = snapshot.reports[from]?.database?.standbys ?? []
  const synchronous = context.topology.database.durability !== 'local'
  const safe = standbys
    .filter((standby) => standby.synchronous || !synchronous)
    .map((standby) => standby.region)
  const to = wanted ?? safe[0]
  if (to === undefined || !safe.includes(to))
    throw new NearsideError(
      'no_safe_target',
      `switchover: ${to ?? 'no region'} has every acknowledged write`,
      {
        remedy:
          safe.length > 0
            ? `--to ${safe.join(' or --to ')}`
            : 'wait until `nearside status` shows a standby in step',
      },
    )
  const address = context.regions.find((region) => region.name === from)!.address
  const started = performance.now()
  await patroniRequest(context, address, 'POST', '/switchover', { leader: from, candidate: to }, 60_000)
  await agent.until((now) => now.leader?.region === to)
  const seconds = (performance.now() - started) / 1000
  await agent.shared.record('switchover', { from, to, seconds }).catch(() => undefined)
  return { from, to, seconds }
}
