import { NearsideError } from '../lib/errors.ts'
import type { Region } from '../topology/regions.ts'
import { typed } from './find.ts'
import { regionStatus, type WorldHandle } from './handle.ts'

/**
 * Picks the agent to ask for something that needs etcd: any that can reach it, preferably in a full region, which can
 * measure the write pause of a switchover.
 */
export async function agentToAsk(world: WorldHandle, purpose = 'a switchover'): Promise<Region> {
  const all = await Promise.all(
    world.regions.map(async (region) => ({ region, status: await regionStatus(world, region, 2000) })),
  )
  const answering = all.filter(({ status }) => status !== undefined)
  if (answering.length === 0)
    throw new NearsideError('agent_unreachable', `${world.name}: no agent answers`, {
      remedy: `run \`${typed(world, 'nearside up')}\``,
    })
  const [best] = answering
    .filter(({ status }) => status!.etcd.error === undefined)
    .sort((a, b) => Number(b.region.full) - Number(a.region.full))
  if (best) return best.region
  throw new NearsideError(
    'etcd_unreachable',
    `${world.name}: no agent can reach etcd, which ${purpose} needs`,
    {
      remedy: 'see `nearside status`',
    },
  )
}
